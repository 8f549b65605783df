package memory

// Frames appends to frames, as far as its capacity reaches, the return addresses that
// the chain of frame pointers leads to from the registers rsp and rbp, innermost
// first. Code without frame pointers gives a short or a wrong chain; every step up
// the stack makes sure that it ends. Nothing is allocated.
func (s *AddressSpace) Frames(frames []uint64, rsp, rbp uint64) []uint64 {
	for low := rsp; len(frames) < cap(frames) && rbp >= low && rbp%8 == 0; {
		next, err1 := s.Load64(rbp)
		ret, err2 := s.Load64(rbp + 8)
		if err1 != nil || err2 != nil || !s.Executable(ret) {
			break
		}
		frames = append(frames, ret)
		rbp, low = next, rbp+16
	}
	return frames
}

// Executable reports whether code can be fetched at addr.
func (s *AddressSpace) Executable(addr uint64) bool {
	var b [1]byte
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, _ := s.Fetch(addr, b[:])
	return n == 1
}
