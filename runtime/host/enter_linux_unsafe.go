//go:build linux && amd64

package host

import (
	"syscall"
	_ "unsafe" // for linkname
)

// Go's scheduler must know that the thread is away in guest code or in a host
// call, or a spinning guest would block the garbage collector for ever.

//go:linkname entersyscall runtime.entersyscall
//go:nosplit
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
//go:nosplit
func exitsyscall()

// enterGuest calls the stub with %gs naming the thread block and returns when
// the guest is left. Implemented in assembly.
//
//go:noescape
func enterGuest(b *Block, stub uintptr)

// interruptible is the one assembly routine in which a guest thread blocks.
//
//go:noescape
func interruptible(kick *uint32, trap, a1, a2, a3, a4, a5, a6 uintptr) (r uintptr)

// Enter runs guest code through the given enter stub until the guest exits; the
// reason is in the thread's Block. Between the two scheduler calls nothing may
// allocate or grow the stack, which is why this function is nosplit and calls
// only assembly.
//
//go:nosplit
func (t *Thread) Enter(stub uint64) {
	b := t.block
	entersyscall()
	enterGuest(b, uintptr(stub))
	exitsyscall()
}

//go:nosplit
//go:uintptrescapes
func blockingCall(kick *uint32, trap, a1, a2, a3, a4, a5, a6 uintptr) (r uintptr) {
	entersyscall()
	r = interruptible(kick, trap, a1, a2, a3, a4, a5, a6)
	exitsyscall()
	return r
}

// setGS sets the %gs base of the calling thread.
func setGS(base uint64) error {
	const archPrctl, archSetGS = 158, 0x1001
	segmentCalls.Add(1)
	if _, _, e := syscall.RawSyscall(archPrctl, archSetGS, uintptr(base), 0); e != 0 {
		return e
	}
	return nil
}
