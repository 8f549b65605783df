//go:build amd64

package host

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

func reserve() (*Space, error) {
	s := new(Space)
	if err := claim(TableBase, TableSize); err != nil {
		return nil, fmt.Errorf("cannot reserve the look-up table: %w", err)
	}
	if err := claim(MissBase, missEnd-MissBase); err != nil {
		return nil, fmt.Errorf("cannot reserve the miss regions: %w", err)
	}
	// The arena before the cache's other view, which goes where there is room.
	if err := s.claimArena(); err != nil {
		return nil, err
	}
	if isRoom(CacheLo, CacheLo+CacheSize) {
		if err := windows.VirtualFree(CacheLo, 0, windows.MEM_RELEASE); err != nil {
			return nil, fmt.Errorf("cannot release the code cache's place: %w", err)
		}
	}
	if err := s.mapCache(mapTwice); err != nil {
		return nil, err
	}
	if err := claimGuard(); err != nil {
		return nil, err
	}
	if err := installHandlers(); err != nil {
		return nil, err
	}
	return s, nil
}

// claim reserves [addr, addr+size) without access.
func claim(addr, size uint64) error {
	got, err := windows.VirtualAlloc(uintptr(addr), uintptr(size), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
	if err != nil || got != uintptr(addr) {
		return fmt.Errorf("[%#x, %#x): %w (%v)", addr, addr+size, ErrNoSpace, err)
	}
	return nil
}

// claimGuard makes the lowest page readable. Windows maps nothing below GuardAddr for
// anyone; what is there already serves as well if it can be read and stays, which a
// mapping that came with the process does.
func claimGuard() error {
	if got, err := windows.VirtualAlloc(GuardAddr, PageSize, windows.MEM_RESERVE|windows.MEM_COMMIT,
		windows.PAGE_READONLY); err == nil && got == GuardAddr {
		return nil
	}
	if _, err := Load32(GuardAddr); err != nil {
		return fmt.Errorf("cannot map the guard page at %#x, and what is there cannot be read: %w", GuardAddr, ErrNoSpace)
	}
	return nil
}

// mapCache gives the code cache its place in one of the ways of mapping it.
func (s *Space) mapCache(way func() (uint64, error)) error {
	alias, err := way()
	if err != nil {
		// A host that lets nobody map code twice, or whose policy forbids sections of
		// code, may still let memory be writable and executable.
		first := err
		if alias, err = mapOnce(); err != nil {
			return errors.Join(first, err)
		}
	}
	s.code = bytesAt(alias, CacheSize)
	return nil
}

// mapTwice maps one section twice: executable at CacheLo, writable at an address of
// the kernel's choice, which it returns. No page is ever both.
func mapTwice() (uint64, error) {
	h, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_EXECUTE_READWRITE, 0, CacheSize, nil)
	if err != nil {
		return 0, fmt.Errorf("cannot make a section for the code cache: %w", err)
	}
	defer windows.CloseHandle(h)
	exec, err := mapView(h, windows.FILE_MAP_READ|windows.FILE_MAP_EXECUTE, CacheLo)
	if err != nil {
		return 0, fmt.Errorf("cannot map the code cache at %#x: %w (%w)", CacheLo, ErrNoSpace, err)
	}
	alias, err := mapView(h, windows.FILE_MAP_WRITE, 0)
	if err != nil {
		_ = windows.UnmapViewOfFile(uintptr(exec))
		return 0, fmt.Errorf("cannot map the code cache for writing: %w", err)
	}
	return alias, nil
}

// mapOnce makes the code cache memory that is writable and executable.
func mapOnce() (uint64, error) {
	got, err := windows.VirtualAlloc(CacheLo, CacheSize, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_EXECUTE_READWRITE)
	if err != nil || got != CacheLo {
		return 0, fmt.Errorf("cannot map the code cache at %#x: %w (%v)", CacheLo, ErrNoSpace, err)
	}
	return CacheLo, nil
}

// execute has nothing to do: all of the code cache is executable from the start.
func execute(uint64) error { return nil }
