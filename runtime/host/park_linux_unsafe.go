//go:build linux && amd64

package host

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2).
const (
	futexWake          = 1
	futexWaitBitset    = 9
	futexPrivate       = 128
	futexClockRealtime = 256
)

// ParkResult says why Park returned.
type ParkResult uint8

const (
	ParkWoken       ParkResult = iota // an Unpark was consumed
	ParkTimedOut                      // the deadline has passed
	ParkInterrupted                   // the thread is kicked; an Unpark, if any, is kept
)

// Park blocks the thread until an Unpark, the deadline or a kick. The deadline is
// in nanoseconds of the given host clock (unix.CLOCK_MONOTONIC or
// unix.CLOCK_REALTIME), absolute; a negative one means none. Only the thread
// itself parks. An Unpark that came before is consumed at once: at most one is
// kept.
func (t *Thread) Park(clock int32, deadline int64) ParkResult {
	for {
		if atomic.CompareAndSwapUint32(&t.park, 1, 0) {
			return ParkWoken
		}
		op := uintptr(futexWaitBitset | futexPrivate)
		if clock == unix.CLOCK_REALTIME {
			op |= futexClockRealtime
		}
		// The timespec is part of the Thread, which does not move as a stack may.
		var tp unsafe.Pointer
		if deadline >= 0 {
			t.until = unix.NsecToTimespec(deadline)
			tp = unsafe.Pointer(&t.until)
		}
		_, e := t.Syscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&t.park)), op, 0, uintptr(tp), 0, 0xffffffff)
		switch e {
		case syscall.ETIMEDOUT:
			if atomic.CompareAndSwapUint32(&t.park, 1, 0) {
				return ParkWoken
			}
			return ParkTimedOut
		case syscall.EINTR:
			if atomic.CompareAndSwapUint32(&t.park, 1, 0) {
				return ParkWoken
			}
			if t.Kicked() {
				return ParkInterrupted
			}
		}
	}
}

// Unpark makes the current or the next Park return. Any goroutine may call it.
func (t *Thread) Unpark() {
	if atomic.SwapUint32(&t.park, 1) == 0 {
		_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&t.park)),
			futexWake|futexPrivate, 1, 0, 0, 0)
	}
}
