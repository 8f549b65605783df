package memory

// Aliased tells whether a page of [addr, addr+n) shows an object that writes
// reach. Only such a page can be write-protected at any moment because another
// thread translates code of the same object.
func (s *AddressSpace) Aliased(addr, n uint64) bool {
	if n == 0 || !s.contains(addr, n) {
		return false
	}
	for p := addr / pageSize; p <= (addr+n-1)/pageSize; p++ {
		if s.page[p].Load()&shared != 0 {
			return true
		}
	}
	return false
}
