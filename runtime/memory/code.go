package memory

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// RLock keeps mappings as they are until RUnlock; the engine holds it while it
// translates.
func (s *AddressSpace) RLock() { s.mu.RLock() }

// RUnlock ends RLock.
func (s *AddressSpace) RUnlock() { s.mu.RUnlock() }

// Fetch copies code from addr on, to the end of buf or of executable memory, and
// returns the number of bytes. With 0 the error is abi.EFAULT. The caller holds
// the read lock.
func (s *AddressSpace) Fetch(addr uint64, buf []byte) (n int, err error) {
	for n < len(buf) {
		at := addr + uint64(n)
		if at >= host.ArenaHi || s.page[at/pageSize].Load()&uint32(abi.ProtExec) == 0 {
			break
		}
		end := min(len(buf), n+int(pageSize-at&pageMask))
		got, err := host.CopyIn(buf[n:end], at)
		if s.page[at/pageSize].Load()&patched != 0 {
			s.unpatch(buf[n:n+got], at)
		}
		n += got
		if err != nil {
			break // past the end of the file behind the page
		}
	}
	if n == 0 && len(buf) > 0 {
		return 0, abi.EFAULT
	}
	return n, nil
}

// MarkTranslated notes that code in [lo, hi), page aligned, is about to be read
// for translation: from now on no change of it goes unnoticed. The caller holds
// the read lock and the engine's lock.
func (s *AddressSpace) MarkTranslated(lo, hi uint64) {
	for addr := lo; addr < min(hi, host.ArenaHi); addr += pageSize {
		p := &s.page[addr/pageSize]
		w := p.Load()
		if w&uint32(abi.ProtExec) == 0 || w&translated != 0 {
			continue
		}
		p.Store(w | translated)
		s.translated = append(s.translated, uint32(addr/pageSize))
		if w&ofObject != 0 {
			s.aliases(addr, s.lockWrites)
		}
	}
}

// lockWrites makes the host refuse writes to a page that the guest may write.
func (s *AddressSpace) lockWrites(addr uint64) {
	p := &s.page[addr/pageSize]
	w := p.Load()
	if w&uint32(abi.ProtWrite) == 0 || w&shared == 0 || w&writeLock != 0 {
		return
	}
	p.Store(w | writeLock)
	s.locked = append(s.locked, uint32(addr/pageSize))
	if err := s.host.Protect(addr, pageSize, host.ProtRead); err != nil {
		panic("memory: cannot write-protect a page whose code is translated: " + err.Error())
	}
}

// WriteFault is told of a write at addr that the host refused. It reports whether
// the guest may write there, and can then do so: the page showed code, whose
// translations are gone now.
func (s *AddressSpace) WriteFault(addr uint64) bool {
	if addr >= host.ArenaHi {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.page[addr/pageSize].Load()
	if w&uint32(abi.ProtWrite) == 0 {
		return false
	}
	if w&writeLock != 0 {
		s.invalidateCode(addr&^pageMask, addr&^pageMask+pageSize)
	}
	return true
}

// invalidateCode drops all translations because code in [lo, hi) changes.
func (s *AddressSpace) invalidateCode(lo, hi uint64) {
	if s.invalidate != nil {
		s.invalidate(lo, hi)
	}
	for _, p := range s.translated {
		s.page[p].Store(s.page[p].Load() &^ translated)
	}
	s.translated = s.translated[:0]
	if len(s.locked) != 0 {
		defer s.unlocks.Add(1) // when the pages can be written again
	}
	for _, p := range s.locked {
		w := s.page[p].Load()
		s.page[p].Store(w &^ writeLock)
		if err := s.host.Protect(uint64(p)*pageSize, pageSize, hostProt(abi.Mprot(w&protBits))); err != nil {
			panic("memory: cannot give write access back: " + err.Error())
		}
	}
	s.locked = s.locked[:0]
}
