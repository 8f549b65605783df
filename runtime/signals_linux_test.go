//go:build amd64

package runtime_test

import (
	goruntime "runtime"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

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
