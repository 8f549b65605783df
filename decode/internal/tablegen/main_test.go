package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The committed tables are what the generator makes of tables/*.txt now, byte for byte.
func TestGeneratedFileIsCurrent(t *testing.T) {
	if err := run("../..", true); err != nil {
		t.Fatal(err)
	}
}

func TestCheckNoticesAChange(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tables"), 0o755); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "tables", "1.txt")
	for _, step := range []struct {
		text  string
		check bool
		want  string // part of the error
	}{
		{"1 90 - nop", false, ""},
		{"1 90 - nop", true, ""},
		{"1 91 - nop", true, "out of date"},
	} {
		if err := os.WriteFile(table, []byte(step.text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := run(dir, step.check)
		if (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("%q: error %v, want %q", step.text, err, step.want)
		}
	}
}

func TestBadTables(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"1 90 -", "want space, opcodes, constraint, name"},
		{"9 90 - nop", "unknown space"},
		{"1 9x - nop", "invalid syntax"},
		{"1 90 z - nop", "unknown constraint"},
		{"1 90 /8 nop", "bad constraint"},
		{"1 90 - nop jumpy", "unknown token"},
		{"1 90 - nop Ez:r", "bad operand"},
		{"1 90 - nop r:eax", "unknown register"},
		{"1 90 - nop\n1 90 m nop", "hidden by earlier rows"},
	} {
		rows, err := parse("t.txt", tc.text)
		if err == nil {
			_, err = generate(rows)
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: error %v, want %q", tc.text, err, tc.want)
		}
	}
}
