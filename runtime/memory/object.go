package memory

// ObjectID tells objects apart: two descriptors of one file have the same.
type ObjectID struct{ Dev, Ino uint64 }

// An Object is what a mapping shows: a file or a shared-memory object.
type Object struct {
	FD int // host descriptor
	ID ObjectID
	// Ref keeps FD open while mappings show the object, for a copy of the address
	// space in another process. nil when nobody will ask for one.
	Ref Ref
}

// Ref counts references to an object. Release may block, and runs without locks.
type Ref interface {
	Retain()
	Release()
	HostFD() int // stays open while there is a reference
}

// object knows the mappings of one object.
type object struct{ views []view }

// A view is a stretch of pages that shows an object from offset off on.
type view struct {
	lo, hi uint64
	off    int64
	ref    Ref // of the descriptor it was mapped from; may be nil
}

func (v view) retain() {
	if v.ref != nil {
		v.ref.Retain()
	}
}

// overlaps reports whether a view of o lies in [lo, hi), or a part of one.
func (o *object) overlaps(lo, hi uint64) bool {
	for _, v := range o.views {
		if v.hi > lo && v.lo < hi {
			return true
		}
	}
	return false
}

// translatedObject reports whether code was translated of any page that shows o,
// which may be nil.
func (s *AddressSpace) translatedObject(o *object) bool {
	if o == nil || len(s.translated) == 0 {
		return false
	}
	for _, v := range o.views {
		if s.has(v.lo, v.hi, translated) {
			return true
		}
	}
	return false
}

func (s *AddressSpace) addView(o *Object, lo, hi uint64, off int64) {
	obj := s.objects[o.ID]
	if obj == nil {
		obj = new(object)
		s.objects[o.ID] = obj
	}
	v := view{lo, hi, off, o.Ref}
	v.retain()
	obj.views = append(obj.views, v)
}

// dropViews cuts [lo, hi) out of all views.
func (s *AddressSpace) dropViews(lo, hi uint64) {
	for id, o := range s.objects {
		var keep []view
		for _, v := range o.views {
			if v.hi <= lo || v.lo >= hi {
				keep = append(keep, v)
				continue
			}
			if v.lo < lo {
				v.retain()
				keep = append(keep, view{v.lo, lo, v.off, v.ref})
			}
			if v.hi > hi {
				v.retain()
				keep = append(keep, view{hi, v.hi, v.off + int64(hi-v.lo), v.ref})
			}
			if v.ref != nil {
				s.dead = append(s.dead, v.ref)
			}
		}
		if o.views = keep; len(keep) == 0 {
			delete(s.objects, id)
		}
	}
}

// unlock ends a change of mappings, and releases what nothing shows any more.
func (s *AddressSpace) unlock() {
	dead := s.dead
	s.dead = nil
	s.mu.Unlock()
	for _, r := range dead {
		r.Release()
	}
}

// aliases calls f with every page that shows the same page of an object as addr,
// a page address, including addr itself.
func (s *AddressSpace) aliases(addr uint64, f func(addr uint64)) {
	for _, o := range s.objects {
		for _, v := range o.views {
			if addr < v.lo || addr >= v.hi {
				continue
			}
			off := v.off + int64(addr-v.lo)
			for _, w := range o.views {
				if d := off - w.off; d >= 0 && uint64(d) < w.hi-w.lo {
					f(w.lo + uint64(d))
				}
			}
			return
		}
	}
}
