//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// Allocate makes sure that n bytes at off have their place in the file, which grows if
// need be. ENOTSUP where the file system cannot promise that.
func (t *Thread) Allocate(fd int, off, n int64) syscall.Errno {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind != KindRegular && f.kind != KindSharedMemory:
		return syscall.ENODEV
	case !f.write:
		return syscall.EBADF
	}
	end := off + n
	s, err := queryStandard(f.h)
	switch {
	case err != nil:
		return errnoIn(err)
	case end < off:
		return syscall.EFBIG
	}
	if end > s.allocated { // less would cut the file off
		if err := setSize(f.h, fileAllocationInformation, end); err != nil {
			return errnoIn(err)
		}
	}
	if end > s.size {
		return errnoIn(setSize(f.h, windows.FileEndOfFileInformation, end))
	}
	return 0
}

// AdviseFile has nobody to tell: the system takes advice when a file is opened. That is
// no failure, advice changes nothing but speed.
func (t *Thread) AdviseFile(fd int, off, n int64, a FileAdvice) syscall.Errno {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind == KindPipe || f.kind.Socket():
		return syscall.ESPIPE
	}
	return 0
}
