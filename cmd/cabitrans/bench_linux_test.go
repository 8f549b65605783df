package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBenchRefuses: one sentence for whatever cannot be done, before anything is measured.
func TestBenchRefuses(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "no", "such")
	const flags = "; cabitrans help lists the flags\n"
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--runs=0"}, `invalid value "0" for flag -runs: it is a number from 1 to 1000` + flags},
		{[]string{"--runs=many"}, `invalid value "many" for flag -runs: it is a number from 1 to 1000` + flags},
		{[]string{"--repeats=1001"}, `invalid value "1001" for flag -repeats: it is a number from 1 to 1000` + flags},
		{[]string{"--kernel=fib,fob"}, `invalid value "fib,fob" for flag -kernel: there is no kernel "fob", only fib, nbody, ` +
			"mandelbrot, sha256, interp-switch, interp-goto, qsort, bintree, matmul, virtual, setjmp, memcpy, hash, tlsloop, " +
			"cold, sysloop" + flags},
		{[]string{"--measure="}, `invalid value "" for flag -measure: there is no measure "", only kernels, translation, ` +
			"start, threads, text, tools" + flags},
		{[]string{"--pin=-1"}, `invalid value "-1" for flag -pin: it is a number from 0 to 4095` + flags},
		{[]string{"--peer=qemu"}, `invalid value "qemu" for flag -peer: it has the form NAME=COMMAND, such as qemu=qemu-x86_64` + flags},
		{[]string{"--peer=q="}, `invalid value "q=" for flag -peer: the command of q is empty` + flags},
		{[]string{"--peer=a/b=sh"}, `invalid value "a/b=sh" for flag -peer: the name "a/b" may not have spaces, colons or slashes in it` + flags},
		{[]string{"--peer=q=no-such-program -x"},
			`invalid value "q=no-such-program -x" for flag -peer: there is no program no-such-program to run as q` + flags},
		{[]string{"--other=wine"}, `invalid value "wine" for flag -other: it has the form NAME=COMMAND, such as ` +
			`wine=wine cabitrans.exe` + flags},
		{[]string{"--other=a=sh", "--other=a=sh"}, `invalid value "a=sh" for flag -other: there is another one of that name` + flags},
		{[]string{"--other=a=false"}, "bench: false bench --measure=kernels --runs=1 --json=- --kernel=sysloop --repeats=1: exit status 1\n"},
		{[]string{"--json="}, `invalid value "" for flag -json: it is the name of a file` + flags},
		{[]string{"--json", nowhere}, "cannot write to " + nowhere + ": no such file or directory\n"},
		{[]string{"--html", nowhere}, "cannot write to " + nowhere + ": no such file or directory\n"},
		{[]string{"--svg", "/dev/null/x"}, "cannot make the directory /dev/null/x: not a directory\n"},
		{[]string{"--bounds", nowhere}, "cannot read the bounds in " + nowhere + ": no such file or directory\n"},
		{[]string{"--bounds", "/dev/null"}, "cannot read the bounds in /dev/null: it is no JSON object of numbers by column: EOF\n"},
		{[]string{"--column=cache/fast"}, "there is no column \"cache/fast\" on this host, only COLUMNS\n"},
		{[]string{"--loud"}, "flag provided but not defined: -loud" + flags},
		{[]string{"fib"}, `unexpected argument "fib": bench takes flags only; cabitrans help bench lists them` + "\n"},
	} {
		o := cabitrans("", append([]string{"bench"}, c.args...)...).run(t)
		o.stderr = regexp.MustCompile(`only \[.*\]\n`).ReplaceAllString(o.stderr, "only COLUMNS\n")
		o.expect(t, outcome{stderr: "cabitrans: " + c.text, status: 127})
	}
}

// TestBench: the outputs of a short run, and bounds that hold and that do not.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"loose": `{"cache/gs": 1000}`, "tight": `{"cache/gs": 0.001}`} {
		if err := os.WriteFile(in(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	short := []string{"bench", "--runs=1", "--repeats=1", "--kernel=qsort", "--column=cache/gs", "--measure=kernels,start"}
	o := cabitrans("", append(short, "--json", in("json"), "--benchstat", in("text"), "--html", in("html"), "--svg", in("svg"),
		"--bounds", in("loose"))...).run(t)
	if o.status != 0 || o.stderr != "" || !strings.Contains(o.stdout, "geometric mean") || !strings.Contains(o.stdout, "empty") {
		t.Errorf("%+v", o)
	}
	for _, name := range []string{"json", "text", "html", "svg/kernels.svg"} {
		if info, err := os.Stat(in(name)); err != nil || info.Size() < 300 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	o = cabitrans("", append(short, "--json=-", "--bounds", in("tight"))...).run(t)
	if o.status != 1 || !strings.HasPrefix(o.stdout, "{") || !strings.HasSuffix(o.stderr, "in cache/gs, and the bound is 0.001\n") {
		t.Errorf("%+v", o)
	}
	o = cabitrans("", append(short, "--benchstat=/dev/full")...).run(t)
	if o.status != 127 || o.stderr != "cabitrans: cannot write to /dev/full: no space left on device\n" {
		t.Errorf("%+v", o)
	}
}
