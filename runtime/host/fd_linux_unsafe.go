//go:build linux && amd64

package host

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Vectored calls and polling hand the host kernel arrays of the Go heap. They go
// through pinned, whose directive makes the compiler keep what its last arguments
// point to on the heap and alive.

// Read reads into guest memory. A buffer of one piece needs no array.
func (t *Thread) Read(fd int, v []Iovec) (int, syscall.Errno) {
	return t.transfer(unix.SYS_READ, unix.SYS_READV, fd, v, 0)
}

// Write writes from guest memory.
func (t *Thread) Write(fd int, v []Iovec) (int, syscall.Errno) {
	return t.transfer(unix.SYS_WRITE, unix.SYS_WRITEV, fd, v, 0)
}

// transfer makes the call one for a single buffer, many for more; those that take no
// offset ignore it.
func (t *Thread) transfer(one, many uintptr, fd int, v []Iovec, off int64) (int, syscall.Errno) {
	switch len(v) {
	case 0:
		return t.pinned(many, uintptr(fd), 0, uintptr(off), 0, 0)
	case 1:
		n, e := t.Syscall(one, uintptr(fd), uintptr(v[0].Addr), uintptr(v[0].Len), uintptr(off), 0, 0)
		return int(n), e
	}
	return t.pinned(many, uintptr(fd), uintptr(len(v)), uintptr(off), uintptr(unsafe.Pointer(unsafe.SliceData(v))), 0)
}

// ReadAt reads at an offset of the file, 0 to 2^63-1, without moving the
// descriptor's.
func (t *Thread) ReadAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return t.transfer(unix.SYS_PREAD64, unix.SYS_PREADV, fd, v, off)
}

// WriteAt writes at an offset of the file, 0 to 2^63-1.
func (t *Thread) WriteAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return t.transfer(unix.SYS_PWRITE64, unix.SYS_PWRITEV, fd, v, off)
}

// Poll waits until a descriptor is ready or the relative timeout in nanoseconds
// has passed; a negative timeout is none. It returns the number of descriptors
// whose Revents is not zero.
func (t *Thread) Poll(fds []PollFD, timeout int64) (int, syscall.Errno) {
	var tp unsafe.Pointer
	if timeout >= 0 {
		t.until = unix.NsecToTimespec(timeout) // in the Thread, or each call would allocate one
		tp = unsafe.Pointer(&t.until)
	}
	return t.pinned(unix.SYS_PPOLL, uintptr(len(fds)), 0, 0, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(tp))
}

// pinned makes the call trap with the arguments in the order that call has:
// p and q are the arguments that are pointers to the Go heap.
//
//go:uintptrescapes
func (t *Thread) pinned(trap, a, b, c, p, q uintptr) (int, syscall.Errno) {
	var r uintptr
	var e syscall.Errno
	if trap == unix.SYS_PPOLL {
		r, e = t.Syscall(trap, p, a, q, 0, 8, 0) // no signal mask: the set's size is still 8
	} else {
		r, e = t.Syscall(trap, a, p, b, c, 0, 0) // fd, array, count, offset
	}
	return int(r), e
}
