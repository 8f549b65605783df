//go:build amd64

package runtime_test

import (
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// TestProgramsTLS runs programs under every strategy but the default one, which
// TestPrograms runs them under: those that have threads, registers or bases to lose.
// What they write must not depend on it.
func TestProgramsTLS(t *testing.T) {
	here := runtime.TLSStrategies()
	defer runtime.AnyTLS()()
	short := argdata.Map{number("seconds", 0)}
	for _, tls := range runtime.TLSStrategies()[1:] {
		if testing.Short() && tls != "indirect" && tls != "swap-arch_prctl" {
			continue // one of a kind
		}
		t.Run(tls, func(t *testing.T) {
			for _, name := range programs {
				g := guestRun{name: name, tls: tls}
				kind, _, _ := strings.Cut(name, "-")
				switch kind {
				case "tls", "regs":
					g.args = short
				case "fork", "exec":
					// A forked guest starts in a fresh process, which knows what host it is on.
					if testing.Short() || !slices.Contains(here, tls) || strings.HasSuffix(name, "-v1") ||
						strings.HasSuffix(name, "-v2") {
						continue
					}
				case "jit", "args", "sysloop":
					continue
				}
				g.golden(t)
			}
		})
	}
}

// TestCrashTLS: a report of a fault does not depend on the strategy.
func TestCrashTLS(t *testing.T) {
	report := func(how, tls string) string {
		r := guestRun{name: "crash", tls: tls, args: argdata.Map{text("how", how)}}.run(t)
		if r.exit.Fault == nil {
			t.Fatalf("%s, %s: no fault", tls, how)
		}
		r.exit.Fault.Thread = 0 // another one each time
		return r.exit.Fault.Report()
	}
	defer runtime.AnyTLS()()
	for _, how := range []string{"segv", "division", "stack", "wild", "noncanonical", "alias-call", "alias-ret", "int3"} {
		want := report(how, "")
		for _, tls := range runtime.TLSStrategies()[1:] {
			if got := report(how, tls); got != want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", tls, how, got, want)
			}
		}
	}
}

// TestSwapUnderSignals runs guest threads under the strategies that exchange %fs, while
// the profiler runs at 10 kHz, a signal after the other interrupts every thread
// wherever it is, and the collector and the scheduler preempt. Were one handler of Go's
// ever run with a guest's %fs, Go would end the process.
func TestSwapUnderSignals(t *testing.T) {
	for _, tls := range runtime.TLSStrategies() {
		if !strings.HasPrefix(tls, "swap-") || testing.Short() && tls != "swap-arch_prctl" {
			continue
		}
		for _, name := range []string{"tls", "tls-v0", "regs", "sysloop"} {
			t.Run(tls+"/"+name, func(t *testing.T) {
				defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(2))
				goruntime.SetCPUProfileRate(10_000) // load cannot set another, and says so
				defer load(t)()
				defer volleys(t)()
				g := guestRun{name: name, tls: tls}
				if name == "sysloop" {
					g.args = argdata.Map{number("n", 50_000), number("repeats", 2)}
				} else {
					g.args = argdata.Map{number("threads", 4), number("seconds", 1)}
				}
				g.run(t).expect(t, 0)
			})
		}
	}
}
