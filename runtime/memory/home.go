package memory

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A Patch is a byte at an offset of a page that the host has, as New, where the guest
// has Old.
type Patch struct {
	Off      uint16
	Old, New byte
}

// CanHome reports whether the host may execute the page at addr where it lies: text
// that is the process's own, and that nothing but a call of the guest's can change.
// The caller holds the read lock.
func (s *AddressSpace) CanHome(addr uint64) bool {
	w := s.page[addr/pageSize].Load()
	return w&(protBits&^uint32(abi.ProtRead)|mapped|ofObject|shared|foreign) == uint32(abi.ProtExec)|mapped
}

// SetHome makes the host execute the page at addr, for which CanHome holds, with
// patches, all there are of the page; the guest reads them, too, but Fetch does not. If
// the page is at home already no thread is in the guest. The caller holds the read lock
// and the engine's lock.
func (s *AddressSpace) SetHome(addr uint64, patches []Patch) error {
	page, err := s.original(addr)
	if err != nil {
		return err
	}
	for _, p := range patches {
		page[p.Off] = p.New
	}
	s.setPatches(addr, patches)
	if err := s.host.Replace(addr, page[:], true); err != nil {
		return errnoOf(err)
	}
	p := &s.page[addr/pageSize]
	if w := p.Load(); w&home == 0 {
		p.Store(w | home)
		s.homes++
	}
	return nil
}

// Withdraw ends SetHome. No thread is in the guest. The caller holds the read lock and
// the engine's lock, or is called back by the address space.
func (s *AddressSpace) Withdraw(addr uint64) {
	p := &s.page[addr/pageSize]
	w := p.Load()
	if w&home == 0 {
		return
	}
	page, err := s.original(addr)
	if err == nil {
		err = s.host.Replace(addr, page[:], false)
	}
	if err != nil {
		panic("memory: cannot withdraw a page that the host executes: " + err.Error())
	}
	// Fetch may just have copied the page as it was: the patches stay as long as the
	// guest does not change it.
	p.Store(w &^ home)
	s.homes--
}

// original is a page as the guest has it.
func (s *AddressSpace) original(addr uint64) (page [pageSize]byte, err error) {
	if _, err := host.CopyIn(page[:], addr); err != nil {
		return page, abi.EFAULT
	}
	if s.page[addr/pageSize].Load()&patched != 0 {
		s.unpatch(page[:], addr)
	}
	return page, nil
}

// setPatches notes the patches of a page before the host has them.
func (s *AddressSpace) setPatches(addr uint64, patches []Patch) {
	s.patchesMu.Lock()
	if s.patches == nil {
		s.patches = make(map[uint64][]Patch)
	}
	s.patches[addr] = patches
	s.patchesMu.Unlock()
	p := &s.page[addr/pageSize]
	p.Store(p.Load() | patched)
}

// unpatch makes b, copied from addr on, all on one page, what the guest has.
func (s *AddressSpace) unpatch(b []byte, addr uint64) {
	s.patchesMu.Lock()
	defer s.patchesMu.Unlock()
	off := int(addr & pageMask)
	for _, p := range s.patches[addr&^pageMask] {
		if i := int(p.Off) - off; i >= 0 && i < len(b) {
			b[i] = p.Old
		}
	}
}

// saveOriginals stores the guest's own text of the pages at home in r.
func (s *AddressSpace) saveOriginals(to *host.Snapshot, r host.Range) error {
	for addr := r.Lo; addr < r.Hi; addr += pageSize {
		if s.page[addr/pageSize].Load()&home == 0 {
			continue
		}
		page, err := s.original(addr)
		if err == nil {
			err = to.SavePage(addr, page[:])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
