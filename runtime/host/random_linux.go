//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Random fills guest memory [addr, addr+n) from the host's random number
// generator. It returns the bytes filled, fewer than n only with an error: EINTR
// when the thread is kicked, EFAULT for memory that is not accessible.
func (t *Thread) Random(addr, n uint64) (uint64, syscall.Errno) {
	var done uint64
	for done < n {
		// The kernel fills at most 32 MiB - 1 bytes in one call.
		r, e := t.Syscall(unix.SYS_GETRANDOM, uintptr(addr+done), uintptr(n-done), 0, 0, 0, 0)
		if e == syscall.EINTR && !t.Kicked() {
			continue
		}
		if e != 0 {
			return done, e
		}
		done += uint64(r)
	}
	return done, 0
}
