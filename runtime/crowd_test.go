//go:build (linux || windows) && amd64

package runtime_test

import (
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func crowd(how string, threads int) guestRun {
	return guestRun{name: "crowd", args: argdata.Map{text("how", how), number("threads", threads)}}
}

// Thousands of threads come and go, and nothing of them stays.
func TestThreadChurn(t *testing.T) {
	crowd("churn", 200).run(t).expect(t, 0)
	before := tasks(t)
	r := crowd("churn", 4000).run(t)
	r.expect(t, 0)
	if want := "attributes ok\nchurn ok threads=4000\n"; r.stdout != want {
		t.Errorf("wrote %q, want %q", r.stdout, want)
	}
	// 40 of them lived at a time; some threads of the scheduler's may be new.
	if after := tasks(t); after > before+20 {
		t.Errorf("%d host threads before, %d after", before, after)
	}
}

func TestInitialThreadLeaves(t *testing.T) {
	r := crowd("leave", 10).run(t)
	r.expect(t, 0)
	if r.stdout != "leave ok threads=10\n" {
		t.Errorf("wrote %q", r.stdout)
	}
}

// The end of the process reaches threads that block or spin in every way.
func TestExitUnderThreads(t *testing.T) {
	for range 5 {
		crowd("exit", 1).run(t).expect(t, 3)
	}
}

func TestThreadsThatCannotRun(t *testing.T) {
	for how, want := range map[string]string{
		"entry": "execution at 0x10",
		"stack": "the stack is used up",
	} {
		if how == "stack" && host.FaultsNeedStack {
			continue // such a fault ends the process (cmd/cabitrans tests what is said then)
		}
		r := crowd(how, 1).run(t)
		if r.exit.Signal != abi.SIGSEGV || r.exit.Fault == nil || !strings.Contains(r.exit.Fault.Report(), want) {
			t.Errorf("%s: %+v", how, r.exit)
			if r.exit.Fault != nil {
				t.Log(r.exit.Fault.Report())
			}
		}
	}
}
