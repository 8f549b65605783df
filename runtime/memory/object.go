package memory

// ObjectID tells objects apart: two descriptors of one file have the same.
type ObjectID struct{ Dev, Ino uint64 }

// An Object is what a mapping shows: a file or a shared-memory object.
type Object struct {
	FD int // host descriptor; used only while Map runs
	ID ObjectID
}

// object knows the mappings of one object.
type object struct{ views []view }

// A view is a stretch of pages that shows an object from offset off on.
type view struct {
	lo, hi uint64
	off    int64
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
	obj.views = append(obj.views, view{lo, hi, off})
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
				keep = append(keep, view{v.lo, lo, v.off})
			}
			if v.hi > hi {
				keep = append(keep, view{hi, v.hi, v.off + int64(hi-v.lo)})
			}
		}
		if o.views = keep; len(keep) == 0 {
			delete(s.objects, id)
		}
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
