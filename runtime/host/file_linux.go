//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Allocate makes sure that n bytes at off have their place in the file, which grows
// if need be. EOPNOTSUPP where the file system cannot promise that.
func (t *Thread) Allocate(fd int, off, n int64) syscall.Errno {
	_, e := t.Syscall(unix.SYS_FALLOCATE, uintptr(fd), 0, uintptr(off), uintptr(n), 0, 0)
	return e
}

var fadvise = [...]int{
	FileAdviceNormal:     unix.FADV_NORMAL,
	FileAdviceRandom:     unix.FADV_RANDOM,
	FileAdviceSequential: unix.FADV_SEQUENTIAL,
	FileAdviceWillNeed:   unix.FADV_WILLNEED,
	FileAdviceDontNeed:   unix.FADV_DONTNEED,
	FileAdviceNoReuse:    unix.FADV_NOREUSE,
}

// AdviseFile says how n bytes at off, or all from there if n is 0, will be used.
func (t *Thread) AdviseFile(fd int, off, n int64, a FileAdvice) syscall.Errno {
	_, e := t.Syscall(unix.SYS_FADVISE64, uintptr(fd), uintptr(off), uintptr(n), uintptr(fadvise[a]), 0, 0)
	return e
}

// IsSocket tells whether a path names a socket, which cannot be opened.
func (t *Thread) IsSocket(dir int, path []byte, follow bool) bool {
	info, e := t.StatPath(dir, path, follow)
	return e == 0 && info.Kind == KindStreamSocket
}
