//go:build amd64

package host

import (
	"golang.org/x/sys/unix"
)

func mmap(addr, length uint64, prot, flags, fd int, off int64) (uint64, error) {
	r, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(addr), uintptr(length), uintptr(prot), uintptr(flags), uintptr(fd), uintptr(off))
	if e != 0 {
		return 0, e
	}
	return uint64(r), nil
}

func (p Prot) unix() int {
	prot := unix.PROT_NONE
	if p&ProtRead != 0 {
		prot |= unix.PROT_READ
	}
	if p&ProtWrite != 0 {
		prot |= unix.PROT_WRITE
	}
	return prot
}

// MapAnon places private zero pages at addr, replacing what is there. The
// caller has checked that the range is the arena's and page aligned.
func (s *Space) MapAnon(addr, length uint64, p Prot) error {
	_, err := mmap(addr, length, p.unix(), reserveFlags|unix.MAP_FIXED, -1, 0)
	return err
}

// MapObject places [off, off+length) of a host descriptor at addr, replacing
// what is there.
func (s *Space) MapObject(addr, length uint64, p Prot, shared bool, fd int, off int64) error {
	flags := unix.MAP_FIXED | unix.MAP_PRIVATE | unix.MAP_NORESERVE
	if shared {
		flags = unix.MAP_FIXED | unix.MAP_SHARED
	}
	_, err := mmap(addr, length, p.unix(), flags, fd, off)
	return err
}

// Unmap returns [addr, addr+length) to the reserved, inaccessible state.
func (s *Space) Unmap(addr, length uint64) error {
	_, err := mmap(addr, length, unix.PROT_NONE, reserveFlags|unix.MAP_FIXED, -1, 0)
	return err
}

// Protect changes the access of mapped pages.
func (s *Space) Protect(addr, length uint64, p Prot) error {
	_, _, e := unix.Syscall(unix.SYS_MPROTECT, uintptr(addr), uintptr(length), uintptr(p.unix()))
	if e != 0 {
		return e
	}
	return nil
}

// NewSharedObject creates an empty memory object that several mappings may
// share. It is closed on exec.
func NewSharedObject(name string) (fd int, err error) {
	return unix.MemfdCreate(name, unix.MFD_CLOEXEC)
}

// Replace puts private memory with the given contents, whole pages, at addr in one
// step: whoever reads or executes what is there sees the old pages or the new ones.
// They can be read, and executed by the host itself if exec says so.
func (s *Space) Replace(addr uint64, contents []byte, exec bool) error {
	prot := uintptr(unix.PROT_READ)
	if exec {
		prot |= unix.PROT_EXEC
	}
	return appear(addr, uint64(len(contents)), prot, func(b []byte) { copy(b, contents) })
}
