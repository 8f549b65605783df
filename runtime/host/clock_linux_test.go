//go:build amd64

package host

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Go's monotonic clock is the host's, so deadlines of Park may be computed from it.
func TestMonotonicIsTheHosts(t *testing.T) {
	for range 1000 {
		var a, b unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &a); err != nil {
			t.Fatal(err)
		}
		now := Monotonic()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &b); err != nil {
			t.Fatal(err)
		}
		if now < a.Nano() || now > b.Nano() {
			t.Fatalf("%d is not between %d and %d", now, a.Nano(), b.Nano())
		}
	}
}
