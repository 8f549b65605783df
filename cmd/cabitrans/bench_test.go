package main

import (
	"path/filepath"
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
			"start, threads, text" + flags},
		{[]string{"--pin=-1"}, `invalid value "-1" for flag -pin: it is a number from 0 to 4095` + flags},
		{[]string{"--peer=qemu"}, `invalid value "qemu" for flag -peer: it has the form NAME=COMMAND, such as qemu=qemu-x86_64` + flags},
		{[]string{"--peer=q="}, `invalid value "q=" for flag -peer: the command of q is empty` + flags},
		{[]string{"--peer=a/b=sh"}, `invalid value "a/b=sh" for flag -peer: the name "a/b" may not have spaces or slashes in it` + flags},
		{[]string{"--peer=q=no-such-program -x"},
			`invalid value "q=no-such-program -x" for flag -peer: there is no program no-such-program to run as q` + flags},
		{[]string{"--json="}, `invalid value "" for flag -json: it is the name of a file` + flags},
		{[]string{"--json", nowhere}, "cannot write to " + nowhere + ": no such file or directory\n"},
		{[]string{"--loud"}, "flag provided but not defined: -loud" + flags},
		{[]string{"fib"}, `unexpected argument "fib": bench takes flags only; cabitrans help bench lists them` + "\n"},
	} {
		cabitrans("", append([]string{"bench"}, c.args...)...).run(t).expect(t,
			outcome{stderr: "cabitrans: " + c.text, status: 127})
	}
}
