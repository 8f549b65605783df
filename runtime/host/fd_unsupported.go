//go:build !((linux || windows) && amd64)

package host

import (
	"os"
	"syscall"
)

// Everything in this file answers that the system has no host leaf.

func (t *Thread) Read(fd int, v []Iovec) (int, syscall.Errno)  { return 0, syscall.ENOSYS }
func (t *Thread) Write(fd int, v []Iovec) (int, syscall.Errno) { return 0, syscall.ENOSYS }
func (t *Thread) ReadAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return 0, syscall.ENOSYS
}
func (t *Thread) WriteAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return 0, syscall.ENOSYS
}
func (t *Thread) Poll(fds []PollFD, timeout int64) (int, syscall.Errno) { return 0, syscall.ENOSYS }

func DupFD(fd int) (int, error)                                      { return -1, ErrUnsupported }
func CloseFD(fd int) error                                           { return ErrUnsupported }
func StatFD(fd int) (FileInfo, error)                                { return FileInfo{}, ErrUnsupported }
func AccessMode(fd int) (read, write bool, err error)                { return false, false, ErrUnsupported }
func Status(fd int) (StatusFlags, error)                             { return 0, ErrUnsupported }
func SetStatus(fd int, s StatusFlags) error                          { return ErrUnsupported }
func Seek(fd int, off int64, whence int) (int64, error)              { return 0, ErrUnsupported }
func Truncate(fd int, size int64) error                              { return ErrUnsupported }
func Pending(fd int) int                                             { return 0 }
func Remaining(fd int) int64                                         { return 0 }
func Pipe() (r, w int, err error)                                    { return -1, -1, ErrUnsupported }
func StopProcess() error                                             { return ErrUnsupported }
func (t *Thread) Sync(fd int, dataOnly bool) syscall.Errno           { return syscall.ENOSYS }
func (t *Thread) Yield()                                             {}
func (t *Thread) LockMemory(addr, n uint64, lock bool) syscall.Errno { return syscall.ENOSYS }

// Inherited is always false here.
func Inherited(fd int) bool { return false }

// AdoptFD answers ErrUnsupported.
func AdoptFD(fd int) (int, error) { return -1, ErrUnsupported }

// OSFile answers ErrUnsupported.
func OSFile(fd int, name string) (*os.File, error) { return nil, ErrUnsupported }
