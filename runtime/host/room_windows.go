//go:build amd64

package host

import "golang.org/x/sys/windows"

// Windows gives what asks for no place the lowest that is free, or one at random; Wine the
// lowest. Go's run-time system asks for more than 1 GiB of address space before any code
// of a program runs, and so takes what guest memory needs. Therefore whoever starts a
// program reserves that before it begins, piece by piece as claimPieces does, which takes
// the reservations over.

// startWithRoom reserves guest memory in a process that has been created suspended, and
// lets it run. What cannot be reserved is not: that something lies there is for the
// process to find out.
func startWithRoom(pid uint32) error {
	const access = windows.PROCESS_VM_OPERATION | windows.PROCESS_SUSPEND_RESUME
	p, err := windows.OpenProcess(access, false, pid)
	if err != nil {
		return errorOf(err)
	}
	defer windows.CloseHandle(p)
	for lo := uint64(ArenaLo) &^ (pieceSize - 1); lo < ArenaHi; lo += pieceSize {
		reserveIn(p, max(lo, ArenaLo), lo+pieceSize)
	}
	reserveIn(p, CacheLo, CacheLo+CacheSize)
	if r, _, _ := procNtResumeProcess.Call(uintptr(p)); r != 0 {
		return errnoIn(windows.NTStatus(r))
	}
	return nil
}

var (
	procVirtualAllocEx  = kernel32.NewProc("VirtualAllocEx")
	procNtResumeProcess = modntdll.NewProc("NtResumeProcess")
)

// reserveIn reserves [lo, hi) in a process, if it is free.
func reserveIn(p windows.Handle, lo, hi uint64) {
	_, _, _ = procVirtualAllocEx.Call(uintptr(p), uintptr(lo), uintptr(hi-lo), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
}

// isRoom reports whether [lo, hi) is a reservation that startWithRoom has made.
func isRoom(lo, hi uint64) bool {
	var m windows.MemoryBasicInformation
	return query(lo, &m) == nil && m.State == windows.MEM_RESERVE && m.AllocationProtect == windows.PAGE_NOACCESS &&
		uint64(m.AllocationBase) == lo && uint64(m.RegionSize) == hi-lo
}
