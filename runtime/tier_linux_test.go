package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"cabitrans/runtime"
)

func atHome(c *runtime.Config) { c.Tier = runtime.TierHome }

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
