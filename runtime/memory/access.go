package memory

import (
	"encoding/binary"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// contains reports whether [addr, addr+n) lies in the arena.
func (s *AddressSpace) contains(addr, n uint64) bool {
	for _, r := range s.arena {
		if r.Contains(addr, n) {
			return true
		}
	}
	return false
}

// Check tells whether the guest may read, or write, n bytes at addr: nil or
// abi.EFAULT. After a Check for writing the host, too, lets them be written.
func (s *AddressSpace) Check(addr, n uint64, write bool) error {
	if n == 0 {
		return nil
	}
	if addr >= host.ArenaHi || n > host.ArenaHi-addr {
		return abi.EFAULT
	}
	need := protBits
	if write {
		need = uint32(abi.ProtWrite)
	}
	for p := addr / pageSize; p <= (addr+n-1)/pageSize; p++ {
		w := s.page[p].Load()
		if w&need == 0 || write && w&writeLock != 0 && !s.WriteFault(p*pageSize) {
			return abi.EFAULT
		}
	}
	return nil
}

// CopyIn copies len(dst) bytes at addr; all or abi.EFAULT.
func (s *AddressSpace) CopyIn(dst []byte, addr uint64) error {
	if !s.contains(addr, uint64(len(dst))) {
		return abi.EFAULT
	}
	if _, err := host.CopyIn(dst, addr); err != nil {
		return abi.EFAULT
	}
	return nil
}

// CopyOut copies src to addr. With abi.EFAULT a part may have been copied.
func (s *AddressSpace) CopyOut(addr uint64, src []byte) error {
	if !s.contains(addr, uint64(len(src))) {
		return abi.EFAULT
	}
	n, err := host.CopyOut(addr, src)
	if err == nil {
		return nil
	}
	src, addr = src[n:], addr+uint64(n)
	if !s.lockForWrite(addr, uint64(len(src))) {
		return abi.EFAULT
	}
	defer s.mu.Unlock()
	if _, err := host.CopyOut(addr, src); err != nil {
		return abi.EFAULT
	}
	return nil
}

// lockForWrite is called after the host refused a write of n bytes at addr, inside
// the arena. Unless the guest may not write there it returns true with the lock
// held, and no page of the range write-protected because of its code: it may have
// been so before, or another thread may have given write access back meanwhile.
// With the lock no page can become so again, and the second attempt is final.
func (s *AddressSpace) lockForWrite(addr, n uint64) bool {
	s.mu.Lock()
	for p := addr / pageSize; p <= (addr+n-1)/pageSize; p++ {
		if s.page[p].Load()&uint32(abi.ProtWrite) == 0 {
			s.mu.Unlock()
			return false
		}
	}
	lo, hi := addr&^pageMask, (addr+n+pageMask)&^pageMask
	if s.has(lo, hi, writeLock) {
		s.invalidateCode(lo, hi)
	}
	return true
}

func (s *AddressSpace) word(addr uint64) error {
	if addr%4 != 0 {
		return abi.EINVAL
	}
	if !s.contains(addr, 4) {
		return abi.EFAULT
	}
	return nil
}

// Load32 reads a word atomically. EINVAL when addr is not a multiple of 4.
func (s *AddressSpace) Load32(addr uint64) (uint32, error) {
	if err := s.word(addr); err != nil {
		return 0, err
	}
	v, err := host.Load32(addr)
	if err != nil {
		return 0, abi.EFAULT
	}
	return v, nil
}

// Store32 writes a word atomically. EINVAL when addr is not a multiple of 4.
func (s *AddressSpace) Store32(addr uint64, v uint32) error {
	if err := s.word(addr); err != nil {
		return err
	}
	if host.Store32(addr, v) == nil {
		return nil
	}
	if !s.lockForWrite(addr, 4) {
		return abi.EFAULT
	}
	defer s.mu.Unlock()
	if host.Store32(addr, v) != nil {
		return abi.EFAULT
	}
	return nil
}

// CompareAndSwap32 replaces old by val and returns what was there before. EINVAL
// when addr is not a multiple of 4.
func (s *AddressSpace) CompareAndSwap32(addr uint64, old, val uint32) (uint32, error) {
	if err := s.word(addr); err != nil {
		return 0, err
	}
	prev, err := host.CompareAndSwap32(addr, old, val)
	if err == nil {
		return prev, nil
	}
	if !s.lockForWrite(addr, 4) {
		return 0, abi.EFAULT
	}
	defer s.mu.Unlock()
	if prev, err = host.CompareAndSwap32(addr, old, val); err != nil {
		return 0, abi.EFAULT
	}
	return prev, nil
}

// Load64 reads 8 bytes at any address.
func (s *AddressSpace) Load64(addr uint64) (uint64, error) {
	if !s.contains(addr, 8) {
		return 0, abi.EFAULT
	}
	v, err := host.Load64(addr)
	if err != nil {
		return 0, abi.EFAULT
	}
	return v, nil
}

// Store64 writes 8 bytes at any address; atomically when it is aligned.
func (s *AddressSpace) Store64(addr, v uint64) error {
	if addr%8 != 0 {
		// An atomic store across two cache lines would lock the bus.
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		return s.CopyOut(addr, b[:])
	}
	if !s.contains(addr, 8) {
		return abi.EFAULT
	}
	if host.Store64(addr, v) == nil {
		return nil
	}
	if !s.lockForWrite(addr, 8) {
		return abi.EFAULT
	}
	defer s.mu.Unlock()
	if host.Store64(addr, v) != nil {
		return abi.EFAULT
	}
	return nil
}

// WriteUnlocks counts how often write access was given back to pages whose code
// had been translated. A host call that writes guest memory, and got EFAULT from
// the host, failed for such a page exactly when a Check for writing succeeds
// afterwards and the count has moved since before the call.
func (s *AddressSpace) WriteUnlocks() uint64 { return s.unlocks.Load() }
