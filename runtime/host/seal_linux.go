//go:build amd64

package host

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// NewSealed makes a memory object with the given content, which nobody can
// change any more.
func NewSealed(name string, content []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, err
	}
	n, err := unix.Write(fd, content)
	if err == nil && n < len(content) {
		err = syscall.ENOSPC
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, allSeals)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ReadSealed returns the content of a memory object made by NewSealed that is at
// most max bytes long, and false for any other descriptor.
func ReadSealed(fd, max int) (content []byte, ok bool) {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || seals&allSeals != allSeals {
		return nil, false
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Size > int64(max) {
		return nil, false
	}
	b := make([]byte, st.Size)
	n, err := unix.Pread(fd, b, 0)
	return b, err == nil && n == len(b)
}

// sharedDev is the device number of all memory objects without a name.
var sharedDev = sync.OnceValue(func() uint64 {
	fd, err := NewSharedObject("cloudabi-probe")
	if err != nil {
		return 0 // no device has that
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	return uint64(st.Dev)
})

// isSharedObject tells memory objects from files that have been unlinked.
func isSharedObject(st *unix.Stat_t) bool { return uint64(st.Dev) == sharedDev() }
