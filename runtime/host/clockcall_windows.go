//go:build amd64

package host

import (
	"sync/atomic"
	"time"
)

// ClockCalls has Windows' own functions, which no system call is needed for, but under Wine. Where a
// count of the performance counter is no whole number of nanoseconds, as it was before
// Windows 10 (1809), there are none: a stub multiplies.
func ClockCalls() Clocks {
	f := counterFrequency()
	if uint64(time.Second)%f != 0 || procQueryPerformanceCounter.Find() != nil || procSystemTime.Find() != nil {
		return Clocks{}
	}
	return Clocks{
		Counter: uint64(procQueryPerformanceCounter.Addr()), SystemTime: uint64(procSystemTime.Addr()),
		CounterNS: int64(uint64(time.Second) / f),
	}
}

// LetClocks says whether stubs may read clocks for the thread: see ClockCalls. Only the
// thread itself calls it, outside of the guest. Their stack is the end of the thread block.
func (t *Thread) LetClocks(may bool) {
	t.block.ClockSP = 0
	if may {
		t.block.ClockSP = t.block0 + granule - 64
	}
}

// Clocks is how often stubs have read a clock for the thread. Anyone may ask.
func (t *Thread) Clocks() uint64 { return atomic.LoadUint64(&t.block.Clocks) }
