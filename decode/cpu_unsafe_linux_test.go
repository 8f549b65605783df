//go:build amd64

package decode

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	ptraceGetSigInfo = 0x4202
	ptraceGetRegSet  = 0x4204
	ptraceSetRegSet  = 0x4205
	noteXState       = 0x202 // NT_X86_XSTATE
)

// faultAddr is si_addr of the signal that stopped the process; 0 when the kernel knows none (#GP).
func (c *cpu) faultAddr() (uint64, error) {
	var info [128]byte
	_, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, ptraceGetSigInfo, uintptr(c.pid), 0,
		uintptr(unsafe.Pointer(&info)), 0, 0)
	if e != 0 {
		return 0, e
	}
	return binary.LittleEndian.Uint64(info[16:]), nil
}

func (c *cpu) regSet(request uintptr, b []byte) (int, error) {
	iov := syscall.Iovec{Base: &b[0], Len: uint64(len(b))}
	_, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, request, uintptr(c.pid), noteXState,
		uintptr(unsafe.Pointer(&iov)), 0, 0)
	runtime.KeepAlive(b)
	if e != 0 {
		return 0, e
	}
	return int(iov.Len), nil
}

// getXState reads the vector state in the standard format of XSAVE.
func (c *cpu) getXState() ([]byte, error) {
	b := make([]byte, 16384)
	n, err := c.regSet(ptraceGetRegSet, b)
	return b[:n], err
}

func (c *cpu) setXState(b []byte) error {
	_, err := c.regSet(ptraceSetRegSet, b)
	return err
}
