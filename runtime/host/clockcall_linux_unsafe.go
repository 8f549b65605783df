//go:build linux && amd64

package host

import (
	"sync/atomic"
	_ "unsafe" // for linkname
)

// vdsoClockgettime is Linux's __vdso_clock_gettime, as Go has found it; 0 if there is none.
//
//go:linkname vdsoClockgettime runtime.vdsoClockgettimeSym
var vdsoClockgettime uintptr

// ClockCalls has the host's vDSO, if there is one.
func ClockCalls() Clocks { return Clocks{Gettime: uint64(vdsoClockgettime)} }

// LetClocks says whether stubs may read clocks for the thread: see ClockCalls. Only the
// thread itself calls it, outside of the guest.
func (t *Thread) LetClocks(may bool) {
	t.block.ClockSP = 0
	if may {
		t.block.ClockSP = t.FSWord + BlockOffset + blockPrivate + clockStack - 64
	}
}

// Clocks is how often stubs have read a clock for the thread. Anyone may ask.
func (t *Thread) Clocks() uint64 { return atomic.LoadUint64(&t.block.Clocks) }
