package memory

// Executable reports whether code can be fetched at addr.
func (s *AddressSpace) Executable(addr uint64) bool {
	var b [1]byte
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, _ := s.Fetch(addr, b[:])
	return n == 1
}
