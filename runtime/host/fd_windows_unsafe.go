//go:build windows && amd64

package host

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A host descriptor is a handle. Those for files, consoles and pipes are here.

// Read reads into guest memory.
func (t *Thread) Read(fd int, v []Iovec) (int, syscall.Errno) { return t.transfer(procReadFile, fd, v) }

// Write writes from guest memory.
func (t *Thread) Write(fd int, v []Iovec) (int, syscall.Errno) {
	return t.transfer(procWriteFile, fd, v)
}

var (
	procReadFile  = kernel32.NewProc("ReadFile")
	procWriteFile = kernel32.NewProc("WriteFile")
)

// transfer calls ReadFile or WriteFile for each buffer until one is not transferred as a
// whole. What has been transferred counts more than a later error.
func (t *Thread) transfer(proc *windows.LazyProc, fd int, v []Iovec) (n int, e syscall.Errno) {
	for _, b := range v {
		if t.Kicked() {
			e = syscall.EINTR
			break
		}
		var got uint32
		size := min(b.Len, 1<<30)
		ok, _, err := proc.Call(uintptr(fd), uintptr(b.Addr), uintptr(size), uintptr(unsafe.Pointer(&got)), 0)
		if ok == 0 {
			if e = errnoOf(err); e == syscall.EPIPE && proc == procReadFile {
				e = 0 // the writers are gone: the end of the file
			}
			break
		}
		n += int(got)
		if uint64(got) < b.Len {
			break
		}
	}
	if n > 0 {
		e = 0
	}
	return n, e
}

// errnoOf is what Go's package syscall calls Windows' error, where the kernel knows that.
func errnoOf(err error) syscall.Errno {
	switch err {
	case nil:
		return 0
	case windows.ERROR_BROKEN_PIPE, windows.ERROR_NO_DATA, windows.ERROR_PIPE_NOT_CONNECTED:
		return syscall.EPIPE
	case windows.ERROR_NOACCESS:
		return syscall.EFAULT
	case windows.ERROR_INVALID_HANDLE:
		return syscall.EBADF
	case windows.ERROR_ACCESS_DENIED:
		return syscall.EACCES
	case windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL:
		return syscall.ENOSPC
	case windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_COMMITMENT_LIMIT:
		return syscall.ENOMEM
	}
	return syscall.EIO
}

// ReadAt reads at an offset of the file, 0 to 2^63-1, without moving the
// descriptor's.
func (t *Thread) ReadAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// WriteAt writes at an offset of the file, 0 to 2^63-1.
func (t *Thread) WriteAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// Poll is not there yet.
func (t *Thread) Poll(fds []PollFD, timeout int64) (int, syscall.Errno) { return 0, syscall.ENOSYS }

// Sync writes a file's data to storage.
func (t *Thread) Sync(fd int, dataOnly bool) syscall.Errno {
	return errnoOf(windows.FlushFileBuffers(windows.Handle(fd)))
}

// grantedAccess is the access with which a handle was opened.
func grantedAccess(fd int) (uint32, error) {
	var info struct { // PUBLIC_OBJECT_BASIC_INFORMATION of winternl.h
		attributes, access, handles, pointers uint32
		_                                     [10]uint32
	}
	r, _, _ := procNtQueryObject.Call(uintptr(fd), 0, uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0)
	if r != 0 {
		return 0, syscall.EBADF
	}
	return info.access, nil
}

var procNtQueryObject = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtQueryObject")
