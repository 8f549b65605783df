package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A host process can hold one guest at a time and keeps its fixed addresses to its
// end. So the tests run the command in processes of its own: this test binary,
// which is the command when mainEnv is set.
const mainEnv = "CABITRANS_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		if os.Getenv(againEnv) != "" {
			again()
		}
		main()
		panic("main has returned")
	}
	os.Exit(m.Run())
}

const declare = "%TAG ! tag:nuxi.nl,2015:cloudabi/\n---\n"

// helloConf is what the program hello wants.
const helloConf = declare + "stdout: !fd stdout\nmessage: hi\n"

// helloText is what it then writes.
const helloText = "hi\ngeneration 3: relocatable, vDSO, fixed TLS base\n"

const onWindows = runtime.GOOS == "windows"

// needsDescriptors skips a test that passes descriptors besides the standard ones.
func needsDescriptors(t *testing.T) {
	t.Helper()
	if onWindows {
		t.Skip("Windows passes no descriptors but the three standard ones")
	}
}

// guest is the path of a program of the repository.
func guest(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "guests", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A call is one run of the command.
type call struct {
	binary string   // the command; empty for this test binary
	shell  string   // when not empty: run by sh, where "$@" is the command with its arguments
	args   []string // argv, the name included
	stdin  string
	dir    string
	files  []*os.File // from descriptor 3 on
	env    []string
}

// An outcome is what it came to.
type outcome struct {
	stdout, stderr string
	status         int // negative: ended by a signal
}

func (c call) run(t testing.TB) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	binary := c.binary
	if binary == "" {
		var err error
		if binary, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	var cmd *exec.Cmd
	var err error
	for range 4 {
		cmd = exec.CommandContext(ctx, binary)
		cmd.Args = c.args
		if c.shell != "" {
			cmd = exec.CommandContext(ctx, "sh", append([]string{"-c", c.shell, "sh", binary}, c.args[1:]...)...)
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &out, &errs
		cmd.Dir, cmd.ExtraFiles = c.dir, c.files
		cmd.Env = append(os.Environ(), append(c.env, mainEnv+"=1")...)
		if err = cmd.Run(); !lostByWine(err) {
			break
		}
		t.Logf("%q: once more, after: %v", c.args, err)
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v", c.args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%q did not end in time; it wrote %q %q", c.args, out.String(), errs.String())
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// lostByWine reports a process that Wine 8 has lost before it had begun, as it does now and then.
func lostByWine(err error) bool {
	const internalError = syscall.Errno(1359) // ERROR_INTERNAL_ERROR; no other system has such a number
	return errors.Is(err, internalError)
}

// cabitrans is a run of the command under its own name.
func cabitrans(stdin string, args ...string) call {
	return call{args: append([]string{"cabitrans"}, args...), stdin: stdin}
}

// hidePlaces replaces ranges of addresses.
func (o outcome) hidePlaces() outcome {
	o.stderr = regexp.MustCompile(`\[0x[0-9a-f]+, 0x[0-9a-f]+\)`).ReplaceAllString(o.stderr, "PLACE")
	return o
}

func (o outcome) expect(t testing.TB, want outcome) {
	t.Helper()
	if o != want {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
}
