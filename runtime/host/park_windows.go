//go:build amd64

package host

import (
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// Park blocks the thread until an Unpark, the deadline or a kick. The deadline is
// in nanoseconds of ClockMonotonic or ClockRealtime, absolute; a negative one
// means none. Only the thread itself parks. An Unpark that came before is consumed
// at once: at most one is kept.
func (t *Thread) Park(clock Clock, deadline int64) ParkResult {
	for {
		if atomic.CompareAndSwapUint32(&t.park, 1, 0) {
			return ParkWoken
		}
		if t.Kicked() {
			return ParkInterrupted
		}
		ms := uint32(windows.INFINITE)
		if deadline >= 0 {
			now, _ := Now(clock) // the two clocks of Park cannot fail
			if now >= deadline {
				return ParkTimedOut
			}
			ms = waitFor(clock, deadline-now)
		}
		if _, err := windows.WaitForSingleObject(t.wake, ms); err != nil {
			panic("host: cannot wait for an event: " + err.Error())
		}
	}
}

// waitFor is for how many milliseconds to wait when left nanoseconds of a clock are
// left. The wall clock may be set meanwhile, so it is looked at now and then.
func waitFor(clock Clock, left int64) uint32 {
	const most = 1000
	ms := (left + 999_999) / 1_000_000
	if clock == ClockRealtime {
		ms = min(ms, most)
	}
	return uint32(min(ms, 1<<30))
}

// Unpark makes the current or the next Park return. Any goroutine may call it.
func (t *Thread) Unpark() {
	if atomic.SwapUint32(&t.park, 1) == 0 {
		t.kicks.Lock()
		if !t.closed {
			_ = windows.SetEvent(t.wake) // it exists
		}
		t.kicks.Unlock()
	}
}
