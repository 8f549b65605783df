//go:build linux && amd64

package host

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
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
		e := t.futexWait(unsafe.Pointer(&t.park), futexWaitBitset|futexPrivate, 0, 0xffffffff, clock, deadline)
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
