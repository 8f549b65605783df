// Package golden compares what a test makes with a file that holds what it should
// make, as text that people review. With the flag -update the test writes the file
// instead. It is for tests only.
package golden

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Check compares got with the file at path, and names the first line that differs.
func Check(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(b); got != want {
		n, g, w := difference(got, want)
		t.Errorf("%s differs: run with -update and review the difference. It begins in line %d:\ngot  %q\nwant %q", path, n, g, w)
	}
}

// difference returns the first line in which two different texts differ, counted
// from 1; a line that one of them lacks is empty.
func difference(got, want string) (n int, g, w string) {
	a, b := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n < len(a) {
		g = a[n]
	}
	if n < len(b) {
		w = b[n]
	}
	return n + 1, g, w
}
