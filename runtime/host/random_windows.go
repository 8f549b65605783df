//go:build amd64

package host

import (
	"crypto/rand"
	"syscall"
)

// Random fills guest memory [addr, addr+n) from the host's random number
// generator. It returns the bytes filled, fewer than n only with an error: EINTR
// when the thread is kicked, EFAULT for memory that is not accessible.
func (t *Thread) Random(addr, n uint64) (uint64, syscall.Errno) {
	var buf [4096]byte
	for done := uint64(0); done < n; {
		if t.Kicked() {
			return done, syscall.EINTR
		}
		b := buf[:min(n-done, uint64(len(buf)))]
		_, _ = rand.Read(b) // ProcessPrng; it never fails
		k, err := CopyOut(addr+done, b)
		done += uint64(k)
		if err != nil {
			return done, syscall.EFAULT
		}
	}
	return n, 0
}
