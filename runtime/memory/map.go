package memory

import (
	"math"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Request asks for a mapping.
type Request struct {
	Addr   uint64 // for Fixed
	Len    uint64 // bytes, not 0; rounded up to pages
	Prot   abi.Mprot
	Fixed  bool    // at Addr, replacing what is there; else anywhere
	Shared bool    // writes reach Object, and forked processes
	Object *Object // nil for zeroed memory
	Off    int64   // offset in Object, a multiple of the page size

	Align uint64 // a power of two; 0 for the page size; not for Fixed
	Name  string // for reports; optional
}

// Map maps pages and returns the address of the first. Errors are of type
// abi.Errno: EINVAL for a bad length, address or offset and for a range that may
// not be mapped over, ENOTSUP for memory that is writable and executable, ENOMEM
// when there is no room, EACCES when the descriptor does not allow the access, ENOTSUP
// when the host cannot put an object's pages there (host.MapUnit),
// ENODEV when its object cannot be mapped, EOVERFLOW when it ends beyond 2^63-1.
func (s *AddressSpace) Map(r Request) (uint64, error) {
	if err := checkProt(r.Prot); err != nil {
		return 0, err
	}
	if r.Off < 0 || r.Off&pageMask != 0 {
		return 0, abi.EINVAL
	}
	if r.Shared && r.Object == nil {
		if r.Len == 0 || r.Len > host.ArenaHi {
			return 0, lenError(r.Len)
		}
		o, err := newSharedMemory(r.Len)
		if err != nil {
			return 0, errnoOf(err)
		}
		defer o.Ref.Release()
		r.Object = o
	}
	s.mu.Lock()
	defer s.unlock()
	lo, hi, err := s.place(&r)
	if err != nil {
		return 0, err
	}
	if r.Object != nil && uint64(r.Off) > math.MaxInt64-(hi-lo) {
		return 0, abi.EOVERFLOW
	}
	// A new view is a new way to change code of the object.
	if s.showsCode(lo, hi) || r.Object != nil && r.Shared && s.translatedObject(s.objects[r.Object.ID]) {
		s.invalidateCode(lo, hi)
	}
	if err := s.becomesExecutable(r.Prot, lo, hi); err != nil {
		return 0, err
	}
	if r.Object == nil {
		err = s.host.MapAnon(lo, hi-lo, hostProt(r.Prot))
	} else {
		err = s.host.MapObject(lo, hi-lo, hostProt(r.Prot), r.Shared, r.Object.FD, r.Off)
	}
	if err != nil {
		return 0, errnoOf(err)
	}
	s.forget(lo, hi)
	s.record(&r, lo, hi)
	return lo, nil
}

// lenError is the error for the length of a mapping that cannot be.
func lenError(n uint64) error {
	if n == 0 {
		return abi.EINVAL
	}
	return abi.ENOMEM
}

// place finds or checks the pages for r.
func (s *AddressSpace) place(r *Request) (lo, hi uint64, err error) {
	if r.Fixed {
		lo, hi, err = span(r.Addr, r.Len, abi.ENOMEM)
		switch {
		case err != nil:
		case s.mapped+s.unmapped(lo, hi) > s.limit: // wherever the host has something of its own
			err = abi.ENOMEM
		case s.has(lo, hi, pinned|foreign):
			err = abi.EINVAL
		}
		return lo, hi, err
	}
	if r.Len == 0 || r.Len > host.ArenaHi {
		return 0, 0, lenError(r.Len)
	}
	n := (r.Len + pageMask) &^ pageMask
	if s.mapped+int(n/pageSize) > s.limit {
		return 0, 0, abi.ENOMEM
	}
	room, align, skew := n, max(r.Align, pageSize), uint64(0)
	if r.Shared { // whole units of the host's
		skew = uint64(r.Off) % host.MapUnit
		room, align = (n+skew+host.MapUnit-1)&^(host.MapUnit-1), max(align, host.MapUnit)
	}
	lo, ok := s.find(room, align)
	if !ok {
		return 0, 0, abi.ENOMEM
	}
	return lo + skew, lo + skew + n, nil
}

// unmapped is how many pages of [lo, hi) are not mapped.
func (s *AddressSpace) unmapped(lo, hi uint64) (n int) {
	for p := lo / pageSize; p < hi/pageSize; p++ {
		if s.page[p].Load()&mapped == 0 {
			n++
		}
	}
	return n
}

// find returns the highest free place for n bytes below the cursor, or else
// anywhere.
func (s *AddressSpace) find(n, align uint64) (uint64, bool) {
	if lo, ok := s.findBelow(s.cursor, n, align); ok {
		s.cursor = lo
		return lo, true
	}
	return s.findBelow(host.ArenaHi, n, align)
}

func (s *AddressSpace) findBelow(hi, n, align uint64) (uint64, bool) {
	for hi >= n {
		lo := (hi - n) &^ (align - 1)
		used, ok := s.lastUsed(lo, lo+n)
		if !ok {
			return lo, true
		}
		hi = used
	}
	return 0, false
}

// lastUsed returns the address of the highest page in [lo, hi) that is not free.
func (s *AddressSpace) lastUsed(lo, hi uint64) (uint64, bool) {
	for p := hi / pageSize; p > lo/pageSize; p-- {
		if s.page[p-1].Load() != 0 || host.MapUnit > pageSize && host.Viewed((p-1)*pageSize) {
			return (p - 1) * pageSize, true
		}
	}
	return 0, false
}

// record notes a mapping that the host has made.
func (s *AddressSpace) record(r *Request, lo, hi uint64) {
	w := uint32(r.Prot) | mapped
	if r.Object != nil {
		w |= ofObject
		if r.Shared {
			w |= shared
		}
		s.addView(r.Object, lo, hi, r.Off)
	}
	for p := lo / pageSize; p < hi/pageSize; p++ {
		s.page[p].Store(w)
	}
	s.mapped += int(hi-lo) / pageSize
	if r.Name != "" {
		s.names = append(s.names, named{lo, hi, r.Name})
	}
}

// forget removes all trace of the pages in [lo, hi), whose mapping is gone.
func (s *AddressSpace) forget(lo, hi uint64) {
	object := false
	for p := lo / pageSize; p < hi/pageSize; p++ {
		w := s.page[p].Load()
		if w&mapped != 0 {
			s.mapped--
			object = object || w&ofObject != 0
			s.page[p].Store(0)
		}
	}
	if object {
		s.dropViews(lo, hi)
	}
	if s.backing != nil {
		s.backing.Discard(lo, hi)
	}
	s.unname(lo, hi)
}
