//go:build (linux || windows) && amd64

package runtime_test

import (
	"strings"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

func limited(l runtime.Limits, g guestRun) guestRun {
	g.watch = func(c *runtime.Config) { c.Limits = l }
	return g
}

// TestTimeout: a program that does not end is ended, and one that does is not.
func TestTimeout(t *testing.T) {
	l := runtime.Limits{Timeout: 200 * time.Millisecond}
	for threads := 1; threads <= 3; threads += 2 {
		r := limited(l, guestRun{name: "spin", args: argdata.Map{number("threads", threads)}}).run(t)
		if !r.exit.TimedOut || r.exit.Signal != abi.SIGKILL || r.exit.Status() != 137 || !strings.HasPrefix(r.stdout, "spinning") {
			t.Errorf("%d threads: %+v", threads, r)
		}
	}
	r := limited(runtime.Limits{Timeout: time.Hour}, guestRun{name: "hello"}).run(t)
	if r.exit != (runtime.Exit{}) {
		t.Errorf("a program that ends: %+v", r.exit)
	}
	r = limited(runtime.Limits{Timeout: time.Hour}, guestRun{name: "crash", args: argdata.Map{text("how", "ud2")}}).run(t)
	if r.exit.TimedOut || r.exit.Fault == nil {
		t.Errorf("a program that faults: %+v", r.exit)
	}
}

// TestTimeoutOfFamily: forked processes end with the one that the limit was for.
func TestTimeoutOfFamily(t *testing.T) {
	limits := []time.Duration{2 * time.Second}
	for ms := 20; ms <= 260; ms += 20 { // in the middle of a fork, with luck
		limits = append(limits, time.Duration(ms)*time.Millisecond)
	}
	for _, limit := range limits {
		begin := time.Now()
		r := limited(runtime.Limits{Timeout: limit}, guestRun{name: "fork", args: argdata.Map{number("hold", 1)}}).run(t)
		// The output has been read to its end: nobody has it any more.
		if !r.exit.TimedOut || r.stdout != "holding\n" && (r.stdout != "" || limit == limits[0]) {
			t.Errorf("%v: %+v after %v", limit, r, time.Since(begin))
		}
	}
}

func TestThreadLimit(t *testing.T) {
	r := limited(runtime.Limits{Threads: 20}, crowd("limit", 100)).run(t)
	r.expect(t, 0)
	if !strings.Contains(r.stdout, "refused=1 threads=19\n") {
		t.Errorf("wrote %q", r.stdout)
	}
	r = limited(runtime.Limits{Threads: 1000}, crowd("limit", 100)).run(t)
	r.expect(t, 0)
	if !strings.Contains(r.stdout, "refused=0 threads=100\n") {
		t.Errorf("wrote %q", r.stdout)
	}
}
