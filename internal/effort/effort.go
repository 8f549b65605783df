// Package effort tells tests how much to try.
package effort

import (
	"os"
	"testing"
	"time"
)

// Env is the environment variable that makes tests which try things at random, or until
// something happens, do so for the duration that it holds ("20s"), and others go through
// more than they would.
const Env = "CABITRANS_STRESS"

// Asked returns that duration, and whether there is one.
func Asked(t testing.TB) (d time.Duration, ok bool) {
	t.Helper()
	s := os.Getenv(Env)
	if s == "" {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		t.Fatalf("%s=%s is no duration; it is to be like 20s", Env, s)
	}
	return d, true
}

// For is how long to go on: as asked, or for unasked.
func For(t testing.TB, unasked time.Duration) time.Duration {
	t.Helper()
	if d, ok := Asked(t); ok {
		return d
	}
	return unasked
}

// Times is what a number that suffices unasked becomes: one more of it for each second asked.
func Times(t testing.TB, n int) int {
	t.Helper()
	d, _ := Asked(t)
	return n * (1 + int(d/time.Second))
}
