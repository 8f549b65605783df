package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCode writes translations to standard error and to a file, and refuses what cannot be.
func TestCode(t *testing.T) {
	hello := guest(t, "hello")
	o := cabitrans(helloConf, "run", "-d", "blocks", "--dfilter=guest_main", hello).run(t)
	if o.status != 0 || o.stdout != helloText || !strings.Contains(o.stderr, " <guest_main>: ") {
		t.Errorf("to standard error: %+v", o)
	}
	file := filepath.Join(t.TempDir(), "code")
	o = cabitrans(helloConf, "run", "-d", "in_asm,out_asm", "-D", file, "--dfilter=guest_main", hello).run(t)
	if o != (outcome{stdout: helloText}) {
		t.Errorf("to a file: %+v", o)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), " | ") {
		t.Errorf("the file holds %q, %v", b, err)
	}
	const list = "; cabitrans help lists the flags\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-d", "op"}, `invalid value "op" for flag -d: there is no "op"; there are in_asm, out_asm, blocks, links, ` +
			`separated by commas` + list},
		{[]string{"-d", "links", "-d", "links"}, `invalid value "links" for flag -d: it was given before; values are ` +
			`separated by commas` + list},
		{[]string{"-D", "x"}, "-D is for -d, which was not given" + list},
		{[]string{"--dfilter", "main"}, "--dfilter is for -d, which was not given" + list},
		{[]string{"-d", "links", "--dfilter", "5..4"}, `invalid value "5..4" for flag -dfilter: no such range as "5..4": its ` +
			`end is before its begin` + list},
		{[]string{"-d", "links", "-D", "/nowhere/file"}, "cannot write translations to /nowhere/file: no such file or directory\n"},
		{[]string{"-d", "links", "--dfilter", "mian"}, "cannot run " + hello + `: no such range: the program has no symbol "mian"` +
			"\n"},
	} {
		o := cabitrans(helloConf, append(append([]string{"run"}, c.args...), hello)...).run(t)
		if o != (outcome{stderr: "cabitrans: " + c.want, status: 127}) {
			t.Errorf("%q: %+v, want %q", c.args, o, c.want)
		}
	}
	o = cabitrans(helloConf, "run", "-d", "blocks", "-D", "/dev/full", hello).run(t)
	want := "cabitrans: translations cannot be written down: write /dev/full: no space left on device\n"
	if o != (outcome{stdout: helloText, stderr: want, status: 1}) {
		t.Errorf("to a full device: %+v", o)
	}
}
