//go:build linux && amd64

package host

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An event lets one goroutine with an operating-system thread of its own wait for
// another. A channel would do, but Go's scheduler starts a locked goroutine through
// a second thread; here the host wakes the one that waits.
type event struct{ word uint32 }

// noKick is the kick of calls that none ends.
var noKick uint32

// wait returns when set has been called, once for each.
func (e *event) wait() {
	for !atomic.CompareAndSwapUint32(&e.word, 1, 0) {
		blockingCall(&noKick, unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.word)), futexWaitBitset|futexPrivate, 0, 0, 0, 0xffffffff)
	}
}

// set makes the current or the next wait return.
func (e *event) set() {
	if atomic.SwapUint32(&e.word, 1) == 0 {
		_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.word)), futexWake|futexPrivate, 1, 0, 0, 0)
	}
}
