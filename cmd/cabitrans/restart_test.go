package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/runtime"
)

// TestClaim: what is done about a place that is taken, and how often.
func TestClaim(t *testing.T) {
	taken := fmt.Errorf("cannot reserve it: %w", runtime.ErrAddressSpace)
	other, refused := errors.New("no memory"), errors.New("no such program")
	const gaveUp = "cannot reserve it: address range is already in use, also after starting cabitrans anew "
	const unable = "cannot reserve it: address range is already in use, " +
		"and cabitrans cannot start itself anew: no such program"
	for _, c := range []struct {
		name, count string
		err         error
		next        string // the count handed on; empty for no new start
		want        string // the error; empty for none
	}{
		{"free", "", nil, "", ""},
		{"free after starts", "8", nil, "", ""},
		{"another reason", "", other, "", "no memory"},
		{"first time", "", taken, "1", unable},
		{"again", "3", taken, "4", unable},
		{"last", "7", taken, "8", unable},
		{"enough", "8", taken, "", gaveUp + "8 times"},
		{"more than enough", "1000", taken, "", gaveUp + "1000 times"},
		{"nonsense", "x", taken, "1", unable},
		{"negative", "-5", taken, "1", unable},
		{"overflow", strings.Repeat("9", 30), taken, "", gaveUp + "9223372036854775807 times"},
	} {
		next := ""
		err := claim(c.count, func() error { return c.err }, func(count string) error {
			next = count
			return refused
		})
		if next != c.next {
			t.Errorf("%s: started anew with %q, want %q", c.name, next, c.next)
		}
		if c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %v does not wrap %v", c.name, err, c.err)
		}
		if text := fmt.Sprint(err); err != nil && text != c.want || err == nil && c.want != "" {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// build builds the command with the given flags.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is needed to build cabitrans in other ways: ", err)
	}
	path := filepath.Join(t.TempDir(), "cabitrans")
	out, err := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, ".")...).CombinedOutput()
	if err != nil {
		t.Fatalf("go build %q: %v\n%s", flags, err, out)
	}
	return path
}

// TestRestartEnds: a command that is linked to lie in the way of its own look-up
// table gives up after a bounded number of starts, and each of them is made with
// the arguments and the standard input of the first.
func TestRestartEnds(t *testing.T) {
	run := cabitrans(helloConf, "run", guest(t, "hello"))
	run.binary = build(t, "-ldflags=-T=0x70001000")
	const taken = "cabitrans: cannot reserve the look-up tables: PLACE: address range is already in use, "
	run.run(t).hidePlaces().expect(t, outcome{stderr: taken + "also after starting cabitrans anew 8 times\n", status: 127})

	run.env = []string{restartEnv + "=8"}
	run.run(t).hidePlaces().expect(t, outcome{stderr: taken + "also after starting cabitrans anew 8 times\n", status: 127})

	// Refusals of the command line need no memory.
	run.args = []string{"cabitrans", "run"}
	run.run(t).expect(t, outcome{
		stderr: "cabitrans: run needs the path of a program; cabitrans help shows how\n", status: 127})
}

// again is a program that starts another in its own place, once, as the command
// does when its place is taken. TestMain runs it when againEnv is set.
const againEnv = "CABITRANS_TEST_AGAIN"

func again() {
	if os.Getenv(restartEnv) != "" {
		return // this is the new start: go on as the command
	}
	err := claim("", func() error { return runtime.ErrAddressSpace }, startAnew)
	panic(err)
}

// TestRestart: a new start is the same command line, with the same name, standard
// input and descriptors.
func TestRestart(t *testing.T) {
	for _, args := range [][]string{
		{"cabitrans", "run", "--", guest(t, "hello")},
		{"cloudabi-run", "-e", guest(t, "hello")},
	} {
		run := call{args: args, stdin: helloConf, env: []string{againEnv + "=1"}}
		run.run(t).expect(t, outcome{stdout: helloText})
	}
	if onWindows {
		return // Windows passes no descriptors but the standard ones
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	run := cabitrans(declare+"stdout: !fd 3\n", "run", guest(t, "hello"))
	run.files, run.env = []*os.File{w}, []string{againEnv + "=1"}
	run.run(t).expect(t, outcome{})
}
