//go:build windows && amd64

package host

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32            = windows.NewLazySystemDLL("kernel32.dll")
	procMapViewOfFileEx = kernel32.NewProc("MapViewOfFileEx")
)

// mapView maps a whole section at addr, or anywhere for 0.
func mapView(section windows.Handle, access uint32, addr uint64) (uint64, error) {
	got, _, err := procMapViewOfFileEx.Call(uintptr(section), uintptr(access), 0, 0, 0, uintptr(addr))
	if got == 0 {
		return 0, err
	}
	return uint64(got), nil
}

// mapViewAt maps n bytes of a section, from off on, at addr.
func mapViewAt(section windows.Handle, access uint32, off int64, n, addr uint64) error {
	got, _, err := procMapViewOfFileEx.Call(uintptr(section), uintptr(access), uintptr(off>>32),
		uintptr(uint32(off)), uintptr(n), uintptr(addr))
	if got == 0 {
		return err
	}
	return nil
}

func query(addr uint64, m *windows.MemoryBasicInformation) error {
	return windows.VirtualQuery(uintptr(addr), m, unsafe.Sizeof(*m))
}

// protection is what Windows calls p. There is no write-only memory.
func (p Prot) protection() uint32 {
	switch {
	case p&ProtWrite != 0:
		return windows.PAGE_READWRITE
	case p&ProtRead != 0:
		return windows.PAGE_READONLY
	}
	return windows.PAGE_NOACCESS
}

// MapAnon places private zero pages at addr, replacing what is there. The
// caller has checked that the range is the arena's and page aligned. What is there
// goes before the new comes: a thread that uses it meanwhile faults. ENOTSUP where pages
// of a shared mapping lie in the same granule, and stay.
func (s *Space) MapAnon(addr, length uint64, p Prot) error {
	err := parts(addr, length, func(q part) error {
		if w := arena.word[q.g].Load(); w&isView != 0 && w&pagesInUse&^q.pages != 0 {
			return syscall.ENOTSUP
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.Unmap(addr, length); err != nil {
		return err
	}
	err = parts(addr, length, func(q part) error {
		if err := own(q.g); err != nil {
			return err
		}
		_, err := windows.VirtualAlloc(uintptr(q.lo), uintptr(q.hi-q.lo), windows.MEM_COMMIT, p.protection())
		if err == nil {
			w := &arena.word[q.g]
			w.Store(w.Load() | q.pages)
		}
		return memoryError(err)
	})
	if err != nil {
		return errors.Join(err, s.Unmap(addr, length))
	}
	return nil
}

// MapObject places [off, off+length) of a host descriptor at addr, replacing
// what is there. A private mapping is a copy: it does not see what is written to the
// file afterwards. Pages behind the file's end are not accessible. For shared ones see
// mapShared.
func (s *Space) MapObject(addr, length uint64, p Prot, shared bool, fd int, off int64) error {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.h == 0 || f.kind != KindRegular && f.kind != KindSharedMemory:
		return syscall.ENODEV
	case !f.read:
		return syscall.EACCES
	case shared:
		return s.mapShared(addr, length, p, f, off)
	}
	if err := s.MapAnon(addr, length, ProtRead|ProtWrite); err != nil {
		return err
	}
	n, err := readFileAt(f.h, bytesAt(addr, length), off)
	if err != nil {
		return errors.Join(errorOf(err), s.Unmap(addr, length))
	}
	end := addr + (uint64(n)+PageSize-1)&^(PageSize-1)
	if end < addr+length {
		if err := s.Protect(end, addr+length-end, ProtNone); err != nil {
			return err
		}
	}
	if end == addr {
		return nil
	}
	return s.Protect(addr, end-addr, p)
}

// readFileAt reads as much of b as the file has from off on.
func readFileAt(h windows.Handle, b []byte, off int64) (n int, err error) {
	for n < len(b) {
		at := uint64(off) + uint64(n)
		o := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
		var got uint32
		err := windows.ReadFile(h, b[n:min(len(b), n+1<<30)], &got, &o)
		if err == windows.ERROR_HANDLE_EOF || err == nil && got == 0 {
			break
		}
		if err != nil {
			return n, err
		}
		n += int(got)
	}
	return n, nil
}

// Unmap returns [addr, addr+length) to the reserved, inaccessible state.
func (s *Space) Unmap(addr, length uint64) error {
	return parts(addr, length, func(q part) error {
		w := &arena.word[q.g]
		switch old := w.Load(); {
		case old&isView != 0:
			return unmapView(q)
		case old&q.pages != 0:
			w.Store(old &^ q.pages)
			return memoryError(windows.VirtualFree(uintptr(q.lo), uintptr(q.hi-q.lo), windows.MEM_DECOMMIT))
		}
		return nil
	})
}

// Protect changes the access of mapped pages. EACCES for pages of a shared mapping whose
// descriptor did not allow it.
func (s *Space) Protect(addr, length uint64, p Prot) error {
	return parts(addr, length, func(q part) error {
		if arena.word[q.g].Load()&isView == 0 {
			return protect(q.lo, q.hi-q.lo, p)
		}
		v, ok := viewAt(q.g)
		if !ok {
			panic("host: a granule has a view that nobody knows")
		}
		defer v.release()
		return protectView(q.lo, q.hi, v, p)
	})
}

func protect(addr, length uint64, p Prot) error {
	var old uint32
	return memoryError(windows.VirtualProtect(uintptr(addr), uintptr(length), p.protection(), &old))
}

// memoryError makes ENOMEM of Windows' words for that there is no more memory.
func memoryError(err error) error {
	switch err {
	case windows.ERROR_COMMITMENT_LIMIT, windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_WORKING_SET_QUOTA:
		return syscall.ENOMEM
	}
	return err
}

// Replace answers ErrUnsupported: Windows cannot put pages in the place of others in one
// step.
func (s *Space) Replace(addr uint64, contents []byte, exec bool) error { return ErrUnsupported }

// FillPage makes the words of the page of guest memory at pc readable. Those of returns
// and calls hold their miss addresses, those of jumps hold jump. Other threads may see
// zeros meanwhile.
func FillPage(pc, jump uint64) error {
	addr := Landings.Slot(pc)
	if _, err := windows.VirtualAlloc(uintptr(addr), 24*PageSize, windows.MEM_COMMIT, windows.PAGE_READWRITE); err != nil {
		return fmt.Errorf("cannot allocate a part of the look-up table: %w", memoryError(err))
	}
	words := unsafe.Slice((*[3]uint64)(pointer(addr)), PageSize)
	for i := range words {
		at := pc + uint64(i)
		words[i] = [3]uint64{Landings.Miss + at, CallEntries.Miss + at, jump}
	}
	return nil
}
