//go:build !((linux || windows) && amd64)

package host

import "syscall"

// Random answers ENOSYS on this system.
func (t *Thread) Random(addr, n uint64) (uint64, syscall.Errno) { return 0, syscall.ENOSYS }
