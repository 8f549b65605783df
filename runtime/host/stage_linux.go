//go:build amd64

package host

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Pages that must appear whole, filled, are filled on a stage and moved to their place. Each would stay a mapping of its
// own, of which a process may have 65,530 (vm.max_map_count): Linux merges neighbours only if they come from one
// mapping, and lay side by side there, too. So all that goes into a window of addresses is staged in one mapping of
// the same size, in the same place in it. Moved pages leave it as it was, empty (MREMAP_DONTUNMAP, Linux 5.7).

const stageWindow = 64 << 20

// stages are where windows are staged, by their addresses.
var stages struct {
	sync.Mutex
	at map[uint64]uint64
}

// stage returns writable memory for n bytes that are going to addr. stays says that it must not be unmapped.
// One goroutine at a time may stage a page.
func stage(addr, n uint64) (tmp uint64, stays bool, err error) {
	const rw = unix.PROT_READ | unix.PROT_WRITE
	lo := addr &^ (stageWindow - 1)
	if addr+n > lo+stageWindow || !canStay() {
		tmp, err = mmap(0, n, rw, reserveFlags, -1, 0)
		return tmp, false, err
	}
	stages.Lock()
	defer stages.Unlock()
	at, ok := stages.at[lo]
	if !ok {
		if at, err = mmap(0, stageWindow, rw, reserveFlags, -1, 0); err != nil {
			return 0, false, err
		}
		// From its first fault on the kernel knows it as one mapping, whatever becomes of its parts.
		if err = Store64(at, 0); err != nil {
			return 0, false, err
		}
		if stages.at == nil {
			stages.at = make(map[uint64]uint64)
		}
		stages.at[lo] = at
	}
	return at + addr - lo, true, nil
}

// appear puts n bytes of private memory, which fill has filled, at addr in one step, over what is there.
func appear(addr, n uint64, prot uintptr, fill func(b []byte)) error {
	const rw = unix.PROT_READ | unix.PROT_WRITE
	tmp, stays, err := stage(addr, n)
	if err != nil {
		return err
	}
	b := bytesAt(tmp, n)
	Populate(b)
	fill(b)
	var e unix.Errno
	if prot != rw {
		_, _, e = unix.Syscall(unix.SYS_MPROTECT, uintptr(tmp), uintptr(n), prot)
	}
	if e == 0 {
		e = moveTo(tmp, n, addr, stays)
	}
	switch {
	case !stays && e != 0:
		_, _, _ = unix.Syscall(unix.SYS_MUNMAP, uintptr(tmp), uintptr(n), 0)
	case stays && prot != rw:
		if _, _, again := unix.Syscall(unix.SYS_MPROTECT, uintptr(tmp), uintptr(n), rw); e == 0 {
			e = again
		}
	}
	if e != 0 {
		return e
	}
	return nil
}

// moveTo moves the memory of n bytes at from to addr, over what is there; the mapping goes with it unless it stays.
func moveTo(from, n, addr uint64, stays bool) unix.Errno {
	flags := unix.MREMAP_MAYMOVE | unix.MREMAP_FIXED
	if stays {
		flags |= unix.MREMAP_DONTUNMAP
	}
	_, _, e := unix.Syscall6(unix.SYS_MREMAP, uintptr(from), uintptr(n), uintptr(n), uintptr(flags), uintptr(addr), 0)
	return e
}

// canStay reports whether the kernel can move memory out of a mapping that stays.
var canStay = sync.OnceValue(func() bool {
	at, err := mmap(0, 2*PageSize, unix.PROT_READ|unix.PROT_WRITE, reserveFlags, -1, 0)
	if err != nil {
		return false
	}
	e := moveTo(at, PageSize, at+PageSize, true)
	_, _, _ = unix.Syscall(unix.SYS_MUNMAP, uintptr(at), 2*PageSize, 0)
	return e == 0
})
