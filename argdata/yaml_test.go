package argdata

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"cabitrans/internal/golden"
)

func parse(text string) (*Config, error) { return ParseYAML(strings.NewReader(text), "conf.yaml") }

func mustParse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatalf("%v\nin %q", err, text)
	}
	return c
}

// TestGolden compares every testdata/yaml/*.yaml with the file *.golden beside
// it: the value, one leaf a line with its bytes, then the grants.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/yaml/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("found only %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := mustParse(t, string(text))
			var out strings.Builder
			dump(&out, "", c.Value)
			for i, g := range c.Grants {
				fmt.Fprintf(&out, "fd %d: %s\n", i, describe(g))
			}
			enc := mustEncode(t, c.Value)
			fmt.Fprintf(&out, "%s", hex.Dump(enc))
			if back, err := Decode(enc); err != nil {
				t.Errorf("Decode: %v", err)
			} else if again := mustEncode(t, back); !bytes.Equal(again, enc) {
				t.Errorf("% x\ncame back as % x", enc, again)
			}
			golden.Check(t, strings.TrimSuffix(file, ".yaml")+".golden", out.String())
		})
	}
}

func dump(w io.Writer, indent string, v Value) {
	switch v := v.(type) {
	case Seq:
		fmt.Fprintf(w, "%sseq of %d\n", indent, len(v))
		for _, part := range v {
			dump(w, indent+"  ", part)
		}
	case Map:
		fmt.Fprintf(w, "%smap of %d\n", indent, len(v))
		for _, pair := range v {
			dump(w, indent+"  ", pair.Key)
			dump(w, indent+"    ", pair.Value)
		}
	default:
		enc, _ := Encode(v)
		name := strings.TrimPrefix(fmt.Sprintf("%T", v), "argdata.")
		fmt.Fprintf(w, "%s%s %#v [% x]\n", indent, name, v, enc)
	}
}

func describe(g Grant) string {
	switch g.Kind {
	case GrantHostFD:
		return fmt.Sprintf("host descriptor %d, line %d, column %d", g.HostFD, g.Pos.Line, g.Pos.Column)
	case GrantFile:
		return fmt.Sprintf("file %q%s, line %d, column %d", g.Path, describeMode(g.File), g.Pos.Line, g.Pos.Column)
	case GrantSocket:
		s := g.Socket
		return fmt.Sprintf("socket of type %d, connect %v, path %q, host %q, port %q, line %d, column %d",
			s.Type, s.Connect, s.Path, s.Host, s.Port, g.Pos.Line, g.Pos.Column)
	case GrantExecutable:
		return fmt.Sprintf("executable, line %d, column %d", g.Pos.Line, g.Pos.Column)
	}
	return fmt.Sprintf("unknown kind %d", g.Kind)
}

func describeMode(m FileMode) string {
	s := []string{"", ", access read", ", access write", ", access read-write"}[m.Access]
	for _, f := range []struct {
		name string
		on   bool
	}{{"create", m.Create}, {"append", m.Append}, {"truncate", m.Truncate}, {"rights", m.Limited}} {
		if f.on {
			s += ", " + f.name
		}
	}
	for _, r := range m.Rights {
		s += fmt.Sprintf(" %s (line %d, column %d)", r.Name, r.Pos.Line, r.Pos.Column)
	}
	return s
}

func TestGrants(t *testing.T) {
	c := mustParse(t, "%TAG ! tag:nuxi.nl,2015:cloudabi/\n---\n[!fd 2147483647, !file {path: a}, !fd stdin, !executable ~, !fd 0]\n")
	at := func(column int) Position { return Position{"conf.yaml", 3, column} }
	want := []Grant{
		{Kind: GrantHostFD, HostFD: 1<<31 - 1, Pos: at(2)},
		{Kind: GrantFile, Path: "a", Pos: at(18)},
		{Kind: GrantHostFD, HostFD: 0, Pos: at(35)},
		{Kind: GrantExecutable, Pos: at(46)},
	}
	if !reflect.DeepEqual(c.Grants, want) {
		t.Errorf("Grants = %+v, want %+v", c.Grants, want)
	}
	if want := (Seq{FD(0), FD(1), FD(2), FD(3), FD(2)}); !reflect.DeepEqual(c.Value, want) {
		t.Errorf("Value = %#v, want %#v", c.Value, want)
	}
	if got, want := c.Grants[1].Pos.String(), "conf.yaml:3:18"; got != want {
		t.Errorf("position %s, want %s", got, want)
	}
	if got, want := c.Grants[1].Pos.Errorf("no %q", "a").Error(), `conf.yaml:3:18: no "a"`; got != want {
		t.Errorf("error at a grant: %s, want %s", got, want)
	}
}

// TestDistinctKeys: 1 and 1.0 differ, as they do for the guest; so do a null and a
// string. (Keys that are equal are refusals.)
func TestDistinctKeys(t *testing.T) {
	c := mustParse(t, "{1: a, 1.0: a, '1': a, ~: a, '': a, 0.0: a, -0.0: a, [1]: a, [[1]]: a, {1: 2}: a, {2: 1}: a, []: a, {}: a}")
	if n := len(c.Value.(Map)); n != 13 {
		t.Errorf("%d entries, want 13", n)
	}
}

func TestUTF16(t *testing.T) {
	text := "\ufeff- é\r\n- 𝄞\r\n"
	for name, put := range map[string]func(b []byte, u uint16) []byte{
		"little endian": func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) },
		"big endian":    func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) },
	} {
		var raw []byte
		for _, u := range utf16.Encode([]rune(text)) {
			raw = put(raw, u)
		}
		if c := mustParse(t, string(raw)); !reflect.DeepEqual(c.Value, Seq{String("é"), String("𝄞")}) {
			t.Errorf("%s: %#v", name, c.Value)
		}
		_, err := parse(string(append(raw, '-')))
		if want := "conf.yaml:3:1: byte 0xff is not UTF-8 text: save the configuration as UTF-8"; err == nil || err.Error() != want {
			t.Errorf("%s, cut short: %v, want %s", name, err, want)
		}
	}
}

// TestLineBreaks: places in the text are found whatever ends its lines; a lone
// "!" is seen there.
func TestLineBreaks(t *testing.T) {
	text := "- ! 1\r- ! 2\u0085- 3\u2028- ! 4\u2029- &a  ! 5\r\n- é: ! 6\n- 7\n"
	want := Seq{String("1"), String("2"), Int(3), String("4"), String("5"), Map{{String("é"), String("6")}}, Int(7)}
	if c := mustParse(t, text); !reflect.DeepEqual(c.Value, want) {
		t.Errorf("%#v, want %#v", c.Value, want)
	}
}

// TestSharedAliases: work and memory follow the text, and the encoding is the
// written-out one.
func TestSharedAliases(t *testing.T) {
	const levels = 18
	c := mustParse(t, bomb(levels, 2))
	want := Value(Seq{String("x")})
	for range levels {
		want = Seq{want, want}
	}
	if !bytes.Equal(mustEncode(t, c.Value.(Seq)[levels]), mustEncode(t, want)) {
		t.Errorf("%d doublings by alias do not encode like the sequence written out", levels)
	}
}

// bomb returns a sequence of levels+1 parts, each after the first made of width
// aliases of the one before.
func bomb(levels, width int) string {
	var b strings.Builder
	b.WriteString("- &a0 [x]\n")
	for i := range levels {
		fmt.Fprintf(&b, "- &a%d [%s]\n", i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), width))
	}
	return b.String()
}

func TestReadError(t *testing.T) {
	cause := errors.New("disk on fire")
	_, err := ParseYAML(iotest.ErrReader(cause), "stdin")
	if want := "stdin: the configuration cannot be read: disk on fire"; !errors.Is(err, cause) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
