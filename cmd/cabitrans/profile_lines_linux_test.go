package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// TestProfileLines profiles a program that is built with debugging information: samples
// name source lines, and with frame pointers the callers of a recursion.
func TestProfileLines(t *testing.T) {
	for _, tool := range []string{"make", "clang-14", "ld.lld-14"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	fib := filepath.Join(dir, "fib")
	build := exec.Command("make", "-C", filepath.Join("..", "..", "guests"), "OUT="+dir, "OBJ="+filepath.Join(dir, "obj"),
		"FRAMES=-g -fno-omit-frame-pointer", fib)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, "profile")
	conf := declare + "stdout: !fd stdout\nstderr: !fd stderr\n"
	if o := cabitrans(conf, "run", "--profile", file, "--profile-hz=1000", fib).run(t); o.status != 0 {
		t.Fatalf("%+v", o)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(b)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("..", "..", "guests", "prog", "fib.c"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	var all, good int64
	for _, s := range p.Sample {
		all += s.Value[0]
		top := s.Location[0].Line
		if len(top) == 0 || top[0].Function.Name != "fib" {
			continue
		}
		f, n := top[0].Function, int(top[0].Line)
		if filepath.Base(f.Filename) != "fib.c" || n < 1 || n > len(lines) || !strings.Contains(lines[n-1], "fib(n - 1)") {
			t.Fatalf("fib is at %s:%d", f.Filename, n)
		}
		last := s.Location[len(s.Location)-1].Line
		if len(s.Location) > 3 && len(last) > 0 && last[0].Function.Name == "_start" {
			good += s.Value[0]
		}
	}
	if good < all*6/10 {
		t.Errorf("%d of %d samples have fib and its callers: %v", good, all, p)
	}
}
