//go:build linux && amd64

package host

import (
	"math"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2).
const (
	futexWake          = 1
	futexCmpRequeue    = 4
	futexWaitBitset    = 9
	futexWakeBitset    = 10
	futexPrivate       = 128
	futexClockRealtime = 256
)

// FutexWait blocks the thread while the word at addr, in guest memory, is val,
// until a FutexWake with a bit of mask, the deadline or a kick. The deadline is in
// nanoseconds of ClockMonotonic or ClockRealtime, absolute; a negative one means
// none. Waiters are found by what lies behind the page: processes that map the same
// object meet, wherever they map it and whatever their access to the page is.
func (t *Thread) FutexWait(addr uint64, val, mask uint32, clock Clock, deadline int64) FutexResult {
	for {
		switch t.futexWait(pointer(addr), futexWaitBitset, val, mask, clock, deadline) {
		case 0:
			return FutexWoken
		case syscall.EAGAIN:
			return FutexChanged
		case syscall.ETIMEDOUT:
			return FutexTimedOut
		case syscall.EINTR:
			if t.Kicked() {
				return FutexInterrupted
			}
		default:
			return FutexFault
		}
	}
}

// FutexWake makes up to n threads, of any process, return from FutexWait for addr
// whose masks have a bit in common with mask, those that have waited longest first.
// It returns how many there were; 0 when there is no memory at addr.
func FutexWake(addr uint64, n, mask uint32) int {
	r, _, e := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(addr), futexWakeBitset,
		uintptr(min(n, math.MaxInt32)), 0, 0, uintptr(mask))
	if e != 0 {
		return 0
	}
	return int(r)
}

// FutexWakeCount makes up to n threads return from FutexWait for addr, whatever
// their masks, and tells how many slept there before, with FutexWoken. Nobody is
// woken when the word is not val, FutexChanged, or is none that can be slept on,
// FutexFault.
//
// It is a requeue of all the others to where they are, which counts them.
func FutexWakeCount(addr uint64, n, val uint32) (slept int, r FutexResult) {
	k, _, e := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(addr), futexCmpRequeue,
		uintptr(min(n, math.MaxInt32)), math.MaxInt32, uintptr(addr), uintptr(val))
	switch e {
	case 0:
		return int(k), FutexWoken
	case syscall.EAGAIN:
		return 0, FutexChanged
	}
	return 0, FutexFault
}

// futexWait is the system call.
func (t *Thread) futexWait(word unsafe.Pointer, op uintptr, val, mask uint32, clock Clock, deadline int64) syscall.Errno {
	if clock == ClockRealtime {
		op |= futexClockRealtime
	}
	// The timespec is part of the Thread, which does not move as a stack may.
	var tp unsafe.Pointer
	if deadline >= 0 {
		t.until = unix.NsecToTimespec(deadline)
		tp = unsafe.Pointer(&t.until)
	}
	_, e := t.Syscall(unix.SYS_FUTEX, uintptr(word), op, uintptr(val), uintptr(tp), 0, uintptr(mask))
	return e
}
