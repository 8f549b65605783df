//go:build amd64

package host

import "syscall"

// Advise does nothing: Windows has no such advice for memory without a file, and all
// guest memory is that. Advice may be ignored.
func (s *Space) Advise(addr, length uint64, a Advice) error { return nil }

// LockMemory pins guest pages in the host's memory, or releases them.
func (t *Thread) LockMemory(addr, n uint64, lock bool) syscall.Errno {
	p := procVirtualUnlock
	if lock {
		p = procVirtualLock
	}
	if r, _, _ := p.Call(uintptr(addr), uintptr(n)); r == 0 && lock {
		return syscall.ENOMEM // more than the working set's minimum
	}
	return 0 // to unlock what is not locked is no error
}

var (
	procVirtualLock   = kernel32.NewProc("VirtualLock")
	procVirtualUnlock = kernel32.NewProc("VirtualUnlock")
)
