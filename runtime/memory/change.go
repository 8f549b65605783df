package memory

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"sync/atomic"
)

// Unmap gives the pages of [addr, addr+n) back; some or all may not be mapped.
// EINVAL for a bad range and for pages the guest may not unmap.
func (s *AddressSpace) Unmap(addr, n uint64) error {
	lo, hi, err := span(addr, n, abi.EINVAL)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(lo, hi, pinned|foreign) {
		return abi.EINVAL
	}
	s.beforeChange(lo, hi, false)
	if err := s.host.Unmap(lo, hi-lo); err != nil {
		return errnoOf(err)
	}
	s.forget(lo, hi)
	s.cursor = max(s.cursor, hi)
	return nil
}

// Protect changes the protection of mapped pages. ENOMEM when one is not mapped,
// ENOTSUP for writable and executable at once, EACCES when the object behind a
// shared mapping may not be written.
func (s *AddressSpace) Protect(addr, n uint64, prot abi.Mprot) error {
	if err := checkProt(prot); err != nil {
		return err
	}
	if n == 0 && addr&pageMask == 0 {
		return nil // as mprotect
	}
	lo, hi, err := span(addr, n, abi.ENOMEM)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.allMapped(lo, hi):
		return abi.ENOMEM
	case s.has(lo, hi, pinned):
		return abi.EINVAL
	}
	s.beforeChange(lo, hi, false)
	if err := s.host.Protect(lo, hi-lo, hostProt(prot)); err != nil {
		return errnoOf(err)
	}
	for p := lo / pageSize; p < hi/pageSize; p++ {
		s.page[p].Store(s.page[p].Load()&^protBits | uint32(prot))
	}
	return nil
}

// beforeChange drops translations that a change of [lo, hi) makes wrong. view
// says that the pages will show an object: code of it may have been translated
// elsewhere.
func (s *AddressSpace) beforeChange(lo, hi uint64, view bool) {
	if len(s.translated) > 0 && (view || s.has(lo, hi, translated|writeLock|ofObject)) {
		s.invalidateCode(lo, hi)
	}
}

// advices has no entry for AdviceNoreuse: POSIX knows it for files only.
var advices = map[abi.Advice]host.Advice{
	abi.AdviceNormal:     host.AdviceNormal,
	abi.AdviceRandom:     host.AdviceRandom,
	abi.AdviceSequential: host.AdviceSequential,
	abi.AdviceWillneed:   host.AdviceWillNeed,
	abi.AdviceDontneed:   host.AdviceCold,
}

// Advise tells the host how memory will be used. It never changes contents.
func (s *AddressSpace) Advise(addr, n uint64, advice abi.Advice) error {
	a, ok := advices[advice]
	if !ok {
		return abi.EINVAL
	}
	return s.ranged(addr, n, func(lo, n uint64) error { return s.host.Advise(lo, n, a) })
}

// Sync writes changed pages of shared file mappings back. Exactly one of MsSync
// and MsAsync must be given.
func (s *AddressSpace) Sync(addr, n uint64, flags abi.Msflags) error {
	both := abi.MsSync | abi.MsAsync
	if flags&^(both|abi.MsInvalidate) != 0 || flags&both == 0 || flags&both == both {
		return abi.EINVAL
	}
	return s.ranged(addr, n, func(lo, n uint64) error {
		return s.host.Sync(lo, n, flags&abi.MsSync != 0, flags&abi.MsInvalidate != 0)
	})
}

// ranged calls f with mapped pages; nothing is done for a length of 0.
func (s *AddressSpace) ranged(addr, n uint64, f func(addr, n uint64) error) error {
	if n == 0 && addr&pageMask == 0 {
		return nil
	}
	lo, hi, err := span(addr, n, abi.ENOMEM)
	if err != nil {
		return err
	}
	// Under the read lock: the range must not become something else meanwhile.
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.allMapped(lo, hi) {
		return abi.ENOMEM
	}
	if err := f(lo, hi-lo); err != nil {
		return errnoOf(err)
	}
	return nil
}

// Seal is Protect for pages of the emulator's: the guest cannot change or unmap
// them afterwards. name is for reports.
func (s *AddressSpace) Seal(addr, n uint64, prot abi.Mprot, name string) error {
	if err := s.Protect(addr, n, prot); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lo, hi := addr, (addr+n+pageMask)&^pageMask
	s.each(lo, hi, func(p *atomic.Uint32) { p.Store(p.Load() | pinned) })
	s.names = append(s.names, named{lo, hi, name})
	return nil
}
