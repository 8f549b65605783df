//go:build linux && amd64

package host

// interruptible is the one assembly routine in which a guest thread blocks.
//
//go:noescape
func interruptible(kick *uint32, trap, a1, a2, a3, a4, a5, a6 uintptr) (r uintptr)

//go:nosplit
//go:uintptrescapes
func blockingCall(kick *uint32, trap, a1, a2, a3, a4, a5, a6 uintptr) (r uintptr) {
	entersyscall()
	r = interruptible(kick, trap, a1, a2, a3, a4, a5, a6)
	exitsyscall()
	return r
}
