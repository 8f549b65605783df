package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

func crashConf(how string) string {
	return declare + "stdout: !fd stdout\nstderr: !fd stderr\nhow: " + how + "\n"
}

// TestHello runs a program of every generation.
func TestHello(t *testing.T) {
	for name, generation := range map[string]string{
		"hello":    "3: relocatable, vDSO, fixed TLS base",
		"hello-v2": "2: ", "hello-v1": "1: ", "hello-v0": "0: ",
	} {
		if name == "hello-v0" && onWindows {
			continue // its fixed addresses are others' there
		}
		o := cabitrans(helloConf, "run", guest(t, name)).run(t)
		if !strings.HasPrefix(o.stdout, "hi\ngeneration "+generation) || o.stderr != "" || o.status != 0 {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestStatusOfProgram: the program's own status, and 128 and more for signals,
// with a report on standard error.
func TestStatusOfProgram(t *testing.T) {
	for how, want := range map[string]struct {
		status int
		report string // its first line
	}{
		"none":       {2, ""},
		"segv":       {139, "SIGSEGV in thread N: read at 0x10, the null page, where nothing is ever mapped"},
		"segv-write": {139, "SIGSEGV in thread N: write at 0x18, the null page, where nothing is ever mapped"},
		"division":   {136, "SIGFPE in thread N: division by zero"},
		"int3":       {133, "SIGTRAP in thread N: breakpoint, just before rip"},
		"ud2":        {132, "SIGILL in thread N: a trap in the program, which compilers put where control must never come"},
	} {
		run := cabitrans(crashConf(how), "run", "bin/crash")
		run.dir = filepath.Join("..", "..", "guests")
		o := run.run(t)
		first, rest, _ := strings.Cut(o.stderr, "\n")
		first = regexp.MustCompile(`in thread \d+`).ReplaceAllString(first, "in thread N")
		if want.report != "" {
			want.report = "cabitrans: bin/crash: " + want.report
			if !strings.HasPrefix(rest, "  rip 0x") || !strings.Contains(rest, " guest_main+0x") {
				t.Errorf("%s: the report goes on %q", how, rest)
			}
		}
		if o.status != want.status || first != want.report {
			t.Errorf("%s: status %d, %q; want %d, %q", how, o.status, first, want.status, want.report)
		}
	}
}

// TestStackUsedUp: the report says what has happened to the first thread's stack.
func TestStackUsedUp(t *testing.T) {
	o := cabitrans(crashConf("stack"), "run", guest(t, "crash")).run(t)
	for _, want := range []string{": write at 0x", ", the guard page below the first thread's stack", "the stack is used up",
		"endless+0x20", " times\n", "guest_main+0x"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("no %q in the report: %s", want, o.stderr)
		}
	}
	if o.status != 139 {
		t.Errorf("status %d", o.status)
	}
}

// TestWildStackPointer: where the host cannot say where the program was, it says why not.
func TestWildStackPointer(t *testing.T) {
	for code, want := range map[string]outcome{
		"\x31\xe4\x50": {stderr: "rsp was overwritten\n", status: 139}, // xor %esp,%esp; push %rax
		"\x48\xbc\x00\x00\x00\x00\x00\x00\x12\x00\x50": { // movabs $0x12000000000000,%rsp; push %rax
			stderr: "which is not a canonical address\n", status: 135},
	} {
		if onWindows {
			want = outcome{stderr: "as it does when a stack is used up or a stack pointer leads nowhere\n", status: 139}
		}
		program := append(exitAt(0x5000_0000, nil), make([]byte, 16)...)
		copy(program[headerSize:], code)
		run := cabitrans("null", "run", "wild")
		run.dir = testdir.New(t)
		if err := os.WriteFile(filepath.Join(run.dir, "wild"), program, 0o777); err != nil {
			t.Fatal(err)
		}
		if o := run.run(t); o.status != want.status || !strings.Contains(o.stderr, want.stderr) {
			t.Errorf("% x: %+v", code, o)
		}
	}
}

// TestConfigFile reads the configuration from where the flag says.
func TestConfigFile(t *testing.T) {
	dir := testdir.New(t)
	for name, text := range map[string]string{"conf.yaml": helloConf, "-": "null"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	hello := guest(t, "hello")
	calls := []call{
		cabitrans("[broken", "run", "--config", "conf.yaml", hello),
		cabitrans("[broken", "run", "-config=conf.yaml", "--", hello),
		cabitrans(helloConf, "run", "--config", "-", hello),
		cabitrans(helloConf, "run", hello),
	}
	if !onWindows {
		calls = append(calls, cabitrans(helloConf, "run", "--config=/dev/stdin", hello)) // a pipe here
	}
	for _, c := range calls {
		c.dir = dir
		c.run(t).expect(t, outcome{stdout: helloText})
	}
}

// TestGrants passes descriptors that this process was started with, and files.
func TestGrants(t *testing.T) {
	needsDescriptors(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	conf := declare + "stdout: !fd 3\nmessage: hi\nmore: [!executable , !file {path: /}]\n"
	run := cabitrans(conf, "run", guest(t, "hello"))
	run.files = []*os.File{w}
	run.run(t).expect(t, outcome{})
	w.Close()
	var got bytes.Buffer
	if _, err := io.Copy(&got, r); err != nil || got.String() != helloText {
		t.Errorf("descriptor 3 got %q, %v", got.String(), err)
	}
}

// TestStats: counts in both forms follow what the program writes.
func TestStats(t *testing.T) {
	hello := guest(t, "hello")
	for _, flag := range []string{"--stats", "--stats=text", "-stats=true"} {
		o := cabitrans(helloConf, "run", flag, hello).run(t)
		for _, line := range []string{
			`(?m)^translated +[0-9]+ instructions in [0-9]+ blocks, [0-9]+ regions, [0-9.]+.?s$`,
			`(?m)^host system calls for switching TLS +0$`,
			`(?m)^exits: call +[0-9]+$`,
			`(?m)^calls: fd_write +[0-9]+$`,
			`(?m)^calls: proc_exit +1$`,
		} {
			if !regexp.MustCompile(line).MatchString(o.stderr) {
				t.Errorf("%s: no line %s in\n%s", flag, line, o.stderr)
			}
		}
		if o.stdout != helloText || o.status != 0 {
			t.Errorf("%s: %+v", flag, o)
		}
	}

	o := cabitrans(helloConf, "run", "--stats=json", hello).run(t)
	d := json.NewDecoder(strings.NewReader(o.stderr))
	d.DisallowUnknownFields()
	var s runtime.Stats
	if err := d.Decode(&s); err != nil {
		t.Fatalf("%v in %s", err, o.stderr)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("more than one object: %s", o.stderr)
	}
	if s.Calls["proc_exit"] != 1 || s.Calls["fd_write"] == 0 || s.Blocks == 0 || s.Exits["call"] == 0 || s.Switches == 0 {
		t.Errorf("counts that cannot be: %+v", s)
	}
	var raw map[string]any
	if err := json.Unmarshal([]byte(o.stderr), &raw); err != nil {
		t.Fatal(err)
	}
	if n, ok := raw["tls_switch_syscalls"]; !ok || n != 0.0 {
		t.Errorf("tls_switch_syscalls is %v", n)
	}
}

// TestStatsAfterFault: the report comes first, then the counts.
func TestStatsAfterFault(t *testing.T) {
	o := cabitrans(crashConf("division"), "run", "--stats=json", guest(t, "crash")).run(t)
	i := strings.Index(o.stderr, "\n{\n")
	if i < 0 || !strings.HasPrefix(o.stderr, "cabitrans: ") || !json.Valid([]byte(o.stderr[i:])) || o.status != 136 {
		t.Errorf("%+v", o)
	}
}

// TestCloudabiRun is the command under its other name.
func TestCloudabiRun(t *testing.T) {
	hello, usage := guest(t, "hello"), "cabitrans: the usage is cloudabi-run [-e] [--tls=NAME] PROGRAM < CONFIGURATION\n"
	unknown := func(flag string) string {
		return "cabitrans: cloudabi-run has no flag " + flag + "; the usage is cloudabi-run [-e] [--tls=NAME] PROGRAM < CONFIGURATION\n"
	}
	for _, c := range []struct {
		name string
		args []string
		want outcome
	}{
		{"cloudabi-run", []string{hello}, outcome{stdout: helloText}},
		{"/usr/local/bin/cloudabi-run", []string{"-e", hello}, outcome{stdout: helloText}},
		{"cloudabi-run", []string{"--", hello}, outcome{stdout: helloText}},
		{"cloudabi-run", []string{"-e", "--", hello}, outcome{stdout: helloText}},
		{"cloudabi-run", nil, outcome{stderr: usage, status: 127}},
		{"cloudabi-run", []string{"-e"}, outcome{stderr: usage, status: 127}},
		{"cloudabi-run", []string{"-e", "--"}, outcome{stderr: usage, status: 127}},
		{"cloudabi-run", []string{hello, "x"}, outcome{stderr: usage, status: 127}},
		{"cloudabi-run", []string{hello, "-e"}, outcome{stderr: usage, status: 127}},
		{"cloudabi-run", []string{"-x", hello}, outcome{stderr: unknown("-x"), status: 127}},
		{"cloudabi-run", []string{"-e", "-e", hello}, outcome{stderr: unknown("-e"), status: 127}},
		{"cloudabi-run", []string{"--stats", hello}, outcome{stderr: unknown("--stats"), status: 127}},
		{"cloudabi-run", []string{"--help"}, outcome{stderr: unknown("--help"), status: 127}},
		{"cloudabi-run", []string{"/dev/null"}, outcome{
			stderr: "cabitrans: cannot run /dev/null: it is not a regular file\n", status: 127}},
		{"cloudabi-run", []string{"run"}, outcome{
			stderr: "cabitrans: cannot run run: " + syscall.ENOENT.Error() + "\n", status: 127}},
		{"cloudabi-runs", []string{hello}, outcome{
			stderr: fmt.Sprintf("cabitrans: there is no command %q; cabitrans help lists what there is\n", hello), status: 127}},
	} {
		run := call{args: append([]string{c.name}, c.args...), stdin: helloConf}
		run.run(t).expect(t, c.want)
	}
}

// TestHelp: the text is what was asked for, so it goes to standard output.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		cabitrans("", args...).run(t).expect(t, outcome{stdout: helpText()})
	}
	var out, errs bytes.Buffer
	if status := doMain(nil, nil, &out, &errs); status != exitLaunch || out.Len() != 0 || errs.Len() == 0 {
		t.Errorf("without even a name: %d %q %q", status, out.String(), errs.String())
	}
}

// TestRaise: a program that raises a signal has no fault to report.
func TestRaise(t *testing.T) {
	program := exitAt(0x5000_0000, nil)
	code := program[headerSize:]
	code[6] = 43 // proc_raise (ABI of 2016-08)
	for signal, want := range map[abi.Signal]outcome{
		abi.SIGABRT: {stderr: "cabitrans: raise was ended by SIGABRT\n", status: 134},
		abi.SIGTERM: {stderr: "cabitrans: raise was ended by SIGTERM\n", status: 143},
		abi.SIGSEGV: {stderr: "cabitrans: raise was ended by SIGSEGV\n", status: 139},
	} {
		code[1] = byte(signal)
		run := cabitrans("null", "run", "raise")
		run.dir = testdir.New(t)
		if err := os.WriteFile(filepath.Join(run.dir, "raise"), program, 0o777); err != nil {
			t.Fatal(err)
		}
		run.run(t).expect(t, want)
	}
}
