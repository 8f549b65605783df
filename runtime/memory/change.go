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
	defer s.unlock()
	if s.has(lo, hi, pinned|foreign) {
		return abi.EINVAL
	}
	if s.showsCode(lo, hi) {
		s.invalidateCode(lo, hi)
	}
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
	if s.showsCode(lo, hi) || prot&abi.ProtWrite != 0 && s.aliasesCode(lo, hi) {
		s.invalidateCode(lo, hi)
	}
	if err := s.becomesExecutable(prot, lo, hi); err != nil {
		return err
	}
	if err := s.host.Protect(lo, hi-lo, hostProt(prot)); err != nil {
		s.restore(lo, hi)
		return errnoOf(err)
	}
	for p := lo / pageSize; p < hi/pageSize; p++ {
		s.page[p].Store(s.page[p].Load()&^(protBits|patched) | uint32(prot))
	}
	return nil
}

// restore undoes the first part of a change of protection that the host refused
// for a later page. No page of [lo, hi) shows translated code.
func (s *AddressSpace) restore(lo, hi uint64) {
	for lo < hi {
		prot := s.page[lo/pageSize].Load() & protBits
		end := lo + pageSize
		for end < hi && s.page[end/pageSize].Load()&protBits == prot {
			end += pageSize
		}
		if err := s.host.Protect(lo, end-lo, hostProt(abi.Mprot(prot))); err != nil {
			panic("memory: cannot restore the protection of pages: " + err.Error())
		}
		lo = end
	}
}

// showsCode reports whether a change of the pages in [lo, hi) makes translations
// wrong, or touches write protection that is there because of them.
func (s *AddressSpace) showsCode(lo, hi uint64) bool {
	// Code at home may go on on the page behind it, if that is executable.
	before := lo
	if s.page[lo/pageSize].Load()&uint32(abi.ProtExec) != 0 {
		before = max(lo, pageSize) - pageSize
	}
	return len(s.translated) != 0 && s.has(lo, hi, translated|writeLock) || s.homes != 0 && s.has(before, hi, home)
}

// aliasesCode reports whether code may have been translated of an object that a
// shared mapping in [lo, hi) shows.
func (s *AddressSpace) aliasesCode(lo, hi uint64) bool {
	if len(s.translated) == 0 || !s.has(lo, hi, shared) {
		return false
	}
	for _, o := range s.objects {
		if o.overlaps(lo, hi) && s.translatedObject(o) {
			return true
		}
	}
	return false
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
	s.mu.RLock()
	all := s.allMapped(lo, hi)
	s.mu.RUnlock()
	if !all {
		return abi.ENOMEM
	}
	// Without the lock, because storage may be slow. If the pages become something
	// else meanwhile, that is advised or synchronised, which does no harm.
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
