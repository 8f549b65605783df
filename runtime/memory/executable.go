package memory

import "cabitrans/runtime/abi"

// SetExecutable names a function that is told, with the lock held for writing, of pages
// that are about to become executable, and at once of those that are. When it fails,
// they do not: ENOMEM. nil ends that.
func (s *AddressSpace) SetExecutable(f func(lo, hi uint64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executable = f
	for p := uint64(0); f != nil && p < pages; p++ {
		if s.page[p].Load()&uint32(abi.ProtExec) == 0 {
			continue
		}
		if err := f(p*pageSize, (p+1)*pageSize); err != nil {
			return err
		}
	}
	return nil
}

// becomesExecutable is called before pages get the protection prot.
func (s *AddressSpace) becomesExecutable(prot abi.Mprot, lo, hi uint64) error {
	if s.executable == nil || prot&abi.ProtExec == 0 || s.executable(lo, hi) == nil {
		return nil
	}
	return abi.ENOMEM
}
