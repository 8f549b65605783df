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
				case "fork", "exec", "pass":
					// A forked guest starts in a fresh process, which knows what host it is on.
					if testing.Short() || !slices.Contains(here, tls) || strings.HasSuffix(name, "-v1") ||
						strings.HasSuffix(name, "-v2") {
						continue
					}
				case "jit", "args", "sysloop":
					continue
				}
				if goruntime.GOOS == "windows" && strings.HasSuffix(name, "-v0") {
					continue // something of the system's may lie there
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
