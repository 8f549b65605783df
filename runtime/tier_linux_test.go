//go:build amd64

package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

func atHome(c *runtime.Config)  { c.Tier = runtime.TierHome }
func inCache(c *runtime.Config) { c.Tier = runtime.TierCache }

// TestHomeDefault: the home tier is what a program has that asks for none, where it can be
// had, and the code cache is where it cannot.
func TestHomeDefault(t *testing.T) {
	if got := runtime.Tiers()[0]; got != runtime.TierHome {
		t.Errorf("the default is %s", got)
	}
	for _, tls := range runtime.TLSStrategies() {
		r := guestRun{name: "fib", watch: func(c *runtime.Config) { c.TLS = tls }}.run(t)
		r.expect(t, 0)
		if home, can := r.stats.HomePages > 0, !strings.HasPrefix(tls, "indirect"); home != can {
			t.Errorf("%s: %d pages at home", tls, r.stats.HomePages)
		}
	}
}

// TestCachePrograms: guests do the same in the code cache.
func TestCachePrograms(t *testing.T) {
	for _, name := range programs {
		t.Run(name, func(t *testing.T) {
			r := guestRun{name: name, watch: inCache}.golden(t)
			if r.stats.HomePages != 0 {
				t.Errorf("%d pages were executed at home", r.stats.HomePages)
			}
		})
	}
}

// TestHomePrograms: guests do the same at home, their forked copies and the programs that
// they become included, and some of their text is executed there.
func TestHomePrograms(t *testing.T) {
	for _, name := range programs {
		t.Run(name, func(t *testing.T) {
			r := guestRun{name: name, watch: atHome}.golden(t)
			// Of the oldest, which are small, no page may qualify.
			if r.stats.HomePages == 0 && !strings.Contains(name, "-v") {
				t.Error("nothing was executed at home")
			}
		})
	}
}

// TestHomeStrategies: every strategy that keeps the length of code can have the tier; the
// others say so.
func TestHomeStrategies(t *testing.T) {
	for _, tls := range runtime.TLSStrategies() {
		p, err := start(codeAt(keeps...), runtime.Config{TLS: tls, Tier: runtime.TierHome})
		if strings.HasPrefix(tls, "indirect") {
			if !errors.Is(err, runtime.ErrTier) || !strings.Contains(err.Error(), tls) {
				t.Errorf("%s: %v", tls, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tls, err)
			continue
		}
		p.Wait()
	}
}

// TestHomeCrash: a report of a fault does not depend on the tier.
func TestHomeCrash(t *testing.T) {
	report := func(how string, watch func(*runtime.Config)) string {
		r := guestRun{name: "crash", watch: watch, args: argdata.Map{text("how", how)}}.run(t)
		if r.exit.Fault == nil {
			t.Fatalf("%s: no fault", how)
		}
		r.exit.Fault.Thread = 0 // another one each time
		return r.exit.Fault.Report()
	}
	for _, how := range []string{"segv", "division", "stack", "wild", "noncanonical", "alias-call", "alias-ret", "int3"} {
		if got, want := report(how, atHome), report(how, inCache); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", how, got, want)
		}
	}
}

// TestCacheStress is TestStress, which is at home, in the code cache, once.
func TestCacheStress(t *testing.T) {
	defer load(t)()
	defer sprayed(t)()
	for _, g := range stressPrograms([]string{""}) {
		g.watch = inCache
		want := 0
		if g.kill > 0 {
			want = 128 + 9
		}
		g.run(t).expect(t, want)
	}
}
