package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// failures is a test that notes what it was told.
type failures struct {
	testing.TB
	text string
}

func (f *failures) Helper()                        {}
func (f *failures) Errorf(format string, a ...any) { f.text += fmt.Sprintf(format, a...) }

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		"one\ntwo\nthree\n":  "",
		"one\n2\nthree\n":    "line 2:\ngot  \"2\\n\"\nwant \"two\\n\"",
		"one\ntwo\n":         "line 3:\ngot  \"\"\nwant \"three\\n\"",
		"one\ntwo\nthree\n4": "line 4:\ngot  \"4\"\nwant \"\"",
		"one\ntwo\nthree":    "line 3:\ngot  \"three\"\nwant \"three\\n\"",
	} {
		f := failures{TB: t}
		Check(&f, path, got)
		if (f.text == "") != (want == "") || !strings.HasSuffix(f.text, want) {
			t.Errorf("%q: %q, want %q", got, f.text, want)
		}
	}
}
