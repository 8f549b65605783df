//go:build (linux || windows) && amd64

package host

import _ "unsafe" // for linkname

// Go's scheduler must know that the thread is away in guest code or in a host
// call, or a spinning guest would block the garbage collector for ever.

//go:linkname entersyscall runtime.entersyscall
//go:nosplit
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
//go:nosplit
func exitsyscall()

// runGuest is Run's loop. Implemented in assembly, which calls the scheduler and
// t.serve itself: see there.
//
//go:noescape
func runGuest(t *Thread, b *Block, stub uintptr)

// These let assembly call functions whose ABI it cannot name.
var (
	enterScheduler = entersyscall
	leaveScheduler = exitsyscall
)

// Run runs guest code through the given enter stub. Each time the guest exits,
// serve is called, with the reason in the thread's Block; it returns the stub
// through which the guest goes on, or 0 to end Run.
//
// serve runs on the stack between two visits to the guest, instead of Run
// returning to it, for the sake of the CPU's return predictor: a guest's call
// that ends in an exit has its return address on top of the predictor's stack,
// where the way back to the guest needs it. Returning to Go would take it off
// and mispredict every return from here to the caller.
func (t *Thread) Run(stub uint64, serve func() uint64) {
	t.serve = t.noted(serve)
	runGuest(t, t.block, uintptr(stub))
	t.serve = nil
}
