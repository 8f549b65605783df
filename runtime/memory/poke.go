package memory

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Poke is CopyOut for a debugger: the guest need not have the right to write. Pages that
// show an object which writes would reach are only written if it has. The translations of
// code that changes are dropped. No thread may run in the guest.
func (s *AddressSpace) Poke(addr uint64, src []byte) error {
	for len(src) > 0 {
		n := min(uint64(len(src)), pageSize-addr&pageMask)
		if err := s.pokePage(addr, src[:n]); err != nil {
			return err
		}
		addr, src = addr+n, src[n:]
	}
	return nil
}

// pokePage is Poke inside a page.
func (s *AddressSpace) pokePage(addr uint64, src []byte) error {
	if !s.contains(addr, uint64(len(src))) {
		return abi.EFAULT
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lo := addr &^ pageMask
	w := s.page[lo/pageSize].Load()
	writable := w&uint32(abi.ProtWrite) != 0
	switch {
	case w&mapped == 0:
		return abi.EFAULT
	case w&shared != 0 && !writable:
		return abi.EACCES
	}
	if s.showsCode(lo, lo+pageSize) {
		s.invalidateCode(lo, lo+pageSize)
	}
	if !writable {
		if err := s.host.Protect(lo, pageSize, host.ProtRead|host.ProtWrite); err != nil {
			return errnoOf(err)
		}
		defer s.restore(lo, lo+pageSize)
	}
	if _, err := host.CopyOut(addr, src); err != nil {
		return abi.EFAULT
	}
	return nil
}
