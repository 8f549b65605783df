//go:build amd64 && (linux || windows)

package host

import (
	"runtime"
	"syscall"
	"unsafe"
)

// ReceiveInto is Receive into memory of the emulator's own.
func (t *Thread) ReceiveInto(m *Message, fd int, b []byte, fds []int32, flags MessageFlags) (
	n, nfds int, got MessageFlags, e syscall.Errno) {
	m.own = [1]Iovec{{uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), uint64(len(b))}}
	n, nfds, got, e = t.Receive(m, fd, m.own[:], fds, flags)
	runtime.KeepAlive(b)
	return n, nfds, got, e
}
