package memory

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

const (
	pageSize = host.PageSize
	pageMask = pageSize - 1
	pages    = host.ArenaHi / pageSize
)

// A page word: the guest's protection in the low bits, as in abi.Mprot, and
// these.
const (
	protBits = uint32(abi.ProtRead | abi.ProtWrite | abi.ProtExec)

	mapped     = 0x08 // protection 0 is mapped, too
	ofObject   = 0x10 // a page of some object: other mappings may alias it
	shared     = 0x20 // writes reach the object
	translated = 0x40 // the engine has read code from it
	writeLock  = 0x80 // writable for the guest, write-protected on the host
	pinned     = 0x100
	foreign    = 0x200 // not part of the arena: the host program lies there
	home       = 0x400 // the host executes it where it lies
	patched    = 0x800 // it may differ from the guest's on the host: patches says where
)

// AddressSpace is the memory of one guest process. All methods may be called by
// any thread; those of the engine say what they need.
type AddressSpace struct {
	host  *host.Space
	arena []host.Range
	page  []atomic.Uint32

	mu         sync.RWMutex
	invalidate func(lo, hi uint64)
	executable func(lo, hi uint64) error // nil if nobody asks
	cursor     uint64                    // no free page lies in [cursor, top) that anyone should care for
	objects    map[ObjectID]*object
	names      []named
	mapped     int   // pages
	limit      int   // that mapped may reach
	dead       []Ref // to be released when mu is free
	// backing is the snapshot that this process began with: what lies there at a
	// page's address may be the content of the page, though the host counts no
	// memory for it. nil for a process that was not forked.
	backing *host.Snapshot

	// Written under mu, or under its read lock and the engine's lock together.
	translated []uint32 // pages with that bit
	locked     []uint32 // pages with writeLock
	unlocks    atomic.Uint64
	homes      int // pages with home

	patchesMu sync.Mutex // taken last
	patches   map[uint64][]Patch
}

// New returns the address space of a new process. One can be in use at a time.
func New(space *host.Space) (*AddressSpace, error) {
	arena := space.Arena()
	if len(arena) == 0 {
		return nil, errors.New("memory: the host has no guest arena")
	}
	s := &AddressSpace{
		host: space, arena: arena,
		page:    make([]atomic.Uint32, pages),
		objects: make(map[ObjectID]*object),
		cursor:  host.ArenaHi, limit: pages,
	}
	lo := uint64(0)
	for _, r := range arena {
		s.each(lo, r.Lo, func(p *atomic.Uint32) { p.Store(foreign) })
		lo = r.Hi
	}
	s.each(lo, host.ArenaHi, func(p *atomic.Uint32) { p.Store(foreign) })
	return s, nil
}

// Close unmaps everything. No thread may use the memory any more.
func (s *AddressSpace) Close() error {
	s.mu.Lock()
	defer s.unlock()
	for _, r := range s.arena {
		if err := s.host.Unmap(r.Lo, r.Hi-r.Lo); err != nil {
			return err
		}
	}
	s.arena = nil // no access from now on; the page words are as they were
	s.dropViews(0, host.ArenaHi)
	s.names, s.mapped = nil, 0
	if s.backing != nil {
		s.backing.Close()
		s.backing = nil
	}
	return nil
}

// SetInvalidate names the function that drops the translations of code in
// [lo, hi). It is called with the lock held for writing, before the code changes;
// nil when nothing is translated any more.
func (s *AddressSpace) SetInvalidate(f func(lo, hi uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invalidate = f
}

// SetLimit makes Map answer ENOMEM when more than n bytes would be mapped, whole pages;
// 0 for no limit.
func (s *AddressSpace) SetLimit(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = pages
	if n > 0 {
		s.limit = int(min(n/pageSize, pages))
	}
}

// Mapped is the number of bytes that are mapped.
func (s *AddressSpace) Mapped() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return uint64(s.mapped) * pageSize
}

// each calls f for the word of every page in [lo, hi), both page aligned.
func (s *AddressSpace) each(lo, hi uint64, f func(*atomic.Uint32)) {
	for p := lo / pageSize; p < hi/pageSize; p++ {
		f(&s.page[p])
	}
}

// span checks a range given by the guest and extends it to whole pages. A length
// of 0 and an address that is not page aligned are EINVAL; outside is the errno
// for a range that leaves the arena.
func span(addr, n uint64, outside abi.Errno) (lo, hi uint64, err error) {
	if n == 0 || addr&pageMask != 0 {
		return 0, 0, abi.EINVAL
	}
	if addr >= host.ArenaHi || n > host.ArenaHi-addr {
		return 0, 0, outside
	}
	return addr, (addr + n + pageMask) &^ pageMask, nil
}

// has reports whether a page in [lo, hi) has one of the bits.
func (s *AddressSpace) has(lo, hi uint64, bits uint32) bool {
	for p := lo / pageSize; p < hi/pageSize; p++ {
		if s.page[p].Load()&bits != 0 {
			return true
		}
	}
	return false
}

// allMapped reports whether every page in [lo, hi) is mapped.
func (s *AddressSpace) allMapped(lo, hi uint64) bool {
	for p := lo / pageSize; p < hi/pageSize; p++ {
		if s.page[p].Load()&mapped == 0 {
			return false
		}
	}
	return true
}

// hostProt is what the host must allow for the guest's protection: on the
// machine writing and executing imply reading.
func hostProt(p abi.Mprot) (h host.Prot) {
	if p != 0 {
		h |= host.ProtRead
	}
	if p&abi.ProtWrite != 0 {
		h |= host.ProtWrite
	}
	return h
}

// checkProt refuses what the ABI does not allow: bits without meaning, and writing
// and executing at once. Upstream has one errno for both.
func checkProt(p abi.Mprot) error {
	if uint32(p)&^protBits != 0 || p&abi.ProtWrite != 0 && p&abi.ProtExec != 0 {
		return abi.ENOTSUP
	}
	return nil
}

// errnoOf converts an error of the host's memory calls.
func errnoOf(err error) error {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return abi.ENOMEM
	}
	switch e {
	case syscall.EACCES, syscall.EPERM:
		return abi.EACCES
	case syscall.EBADF:
		return abi.EBADF
	case syscall.EINVAL:
		return abi.EINVAL
	case syscall.ENODEV:
		return abi.ENODEV
	case syscall.EINTR:
		return abi.EINTR // a kick, when storage is waited for
	case syscall.EIO:
		return abi.EIO
	case syscall.EAGAIN:
		return abi.EAGAIN
	case syscall.EBUSY:
		return abi.EBUSY
	case syscall.ENOTSUP:
		return abi.ENOTSUP
	case syscall.EOVERFLOW:
		return abi.EOVERFLOW
	}
	return abi.ENOMEM
}
