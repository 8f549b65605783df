package memory

import (
	"fmt"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// An Image describes an address space, for a copy of it in another process.
type Image struct {
	Cursor uint64
	Areas  []Area
	Names  []Name
}

// An Area is a stretch of pages that have all but their contents in common.
type Area struct {
	Lo, Hi uint64
	Bits   uint32 // as in a page word
	Object int    // what it shows, as an index of the objects; meaningless without
	Off    int64
	Saved  []host.Range // its pages that lie in the snapshot
}

// A Name is what reports call the pages of [Lo, Hi).
type Name struct {
	Lo, Hi uint64
	Text   string
}

// copiedBits are those of a page word that a copy begins with: it has no
// translations.
const copiedBits = protBits | mapped | ofObject | shared | pinned

// Snapshot saves the contents of all memory that is not shared and describes the
// rest. refs are the objects that the areas show, with a reference to each that
// the caller releases. Nothing changes the mappings meanwhile, and no guest code
// runs: quiesce calls its argument once that is so. Objects without Ref cannot be
// copied: ENOTSUP.
func (s *AddressSpace) Snapshot(to *host.Snapshot, quiesce func(func() error) error) (img *Image, refs []Ref, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	img = &Image{Cursor: s.cursor}
	for _, n := range s.names {
		img.Names = append(img.Names, Name{n.lo, n.hi, n.name})
	}
	err = quiesce(func() error {
		left := s.mapped
		for lo := uint64(0); left > 0; {
			if s.page[lo/pageSize].Load()&mapped == 0 {
				lo += pageSize
				continue
			}
			a, v := s.area(lo)
			lo = a.Hi
			left -= int(a.Hi-a.Lo) / pageSize
			if a.Bits&ofObject != 0 {
				if v.ref == nil {
					return abi.ENOTSUP
				}
				a.Object = slices.Index(refs, v.ref)
				if a.Object < 0 {
					a.Object = len(refs)
					v.ref.Retain()
					refs = append(refs, v.ref)
				}
			}
			if err := s.save(to, &a); err != nil {
				return fmt.Errorf("cannot save guest memory from %#x to %#x: %w", a.Lo, a.Hi, err)
			}
			img.Areas = append(img.Areas, a)
		}
		return nil
	})
	if err != nil {
		for _, r := range refs {
			r.Release()
		}
		return nil, nil, err
	}
	return img, refs, nil
}

// area returns the longest area from lo on, which is mapped, and what it shows if
// that is an object.
func (s *AddressSpace) area(lo uint64) (a Area, v view) {
	bits := s.page[lo/pageSize].Load() & copiedBits
	a = Area{Lo: lo, Hi: lo + pageSize, Bits: bits}
	limit := uint64(host.ArenaHi)
	if bits&ofObject != 0 {
		v = s.viewAt(lo)
		a.Off = v.off + int64(lo-v.lo)
		limit = v.hi
	}
	for a.Hi < limit && s.page[a.Hi/pageSize].Load()&copiedBits == bits {
		a.Hi += pageSize
	}
	return a, v
}

// viewAt returns the view that shows the page at addr.
func (s *AddressSpace) viewAt(addr uint64) view {
	for _, o := range s.objects {
		for _, v := range o.views {
			if addr >= v.lo && addr < v.hi {
				return v
			}
		}
	}
	panic("memory: a page of an object that no view shows")
}

// save copies the pages of an area that are its own into the snapshot.
func (s *AddressSpace) save(to *host.Snapshot, a *Area) error {
	if a.Bits&shared != 0 {
		return nil
	}
	own := host.Touched(a.Lo, a.Hi, a.Bits&ofObject != 0)
	if s.backing != nil {
		own = union(own, s.backing.Data(a.Lo, a.Hi))
	}
	hidden := abi.Mprot(a.Bits&protBits) == 0
	for _, r := range own {
		if hidden {
			if err := s.host.Protect(r.Lo, r.Hi-r.Lo, host.ProtRead); err != nil {
				return err
			}
		}
		err := to.Save(r.Lo, r.Hi)
		if err == nil {
			err = s.saveOriginals(to, r)
		}
		if hidden {
			s.restore(r.Lo, r.Hi)
		}
		if err != nil {
			return err
		}
	}
	a.Saved = join(own)
	return nil
}

// union merges two ascending lists.
func union(a, b []host.Range) []host.Range {
	out := slices.Concat(a, b)
	slices.SortFunc(out, func(x, y host.Range) int { return int(int64(x.Lo) - int64(y.Lo)) })
	return closeGaps(out, 0)
}

// maxPieces bounds the mappings that the contents of one area become: a process
// cannot have many more than 65,000 on Linux. joinGap is up to how many bytes of
// untouched memory between two pieces cost less than another mapping.
const (
	maxPieces = 1024
	joinGap   = 16 * pageSize
)

// join makes few pieces of many.
func join(r []host.Range) []host.Range {
	r = closeGaps(r, joinGap)
	for gap := uint64(4 * joinGap); len(r) > maxPieces; gap *= 4 {
		r = closeGaps(r, gap)
	}
	return r
}

// closeGaps joins neighbours of an ascending list that are at most gap apart.
func closeGaps(r []host.Range, gap uint64) []host.Range {
	var out []host.Range
	for _, x := range r {
		if n := len(out); n > 0 && x.Lo <= out[n-1].Hi+gap {
			out[n-1].Hi = max(out[n-1].Hi, x.Hi)
		} else {
			out = append(out, x)
		}
	}
	return out
}

// Restore makes the copy of an address space that Snapshot has described. objects
// are those that areas show. The address space takes over from, also when it
// fails; an error says what could not be made.
func Restore(space *host.Space, img *Image, from *host.Snapshot, objects []*Object) (*AddressSpace, error) {
	s, err := New(space)
	if err != nil {
		from.Close()
		return nil, err
	}
	s.backing = from
	s.cursor = img.Cursor
	for i := range img.Areas {
		a := &img.Areas[i]
		if err := s.restoreArea(a, objects); err != nil {
			_ = s.Close() // the first error counts
			return nil, fmt.Errorf("cannot restore guest memory from %#x to %#x: %w", a.Lo, a.Hi, err)
		}
	}
	for _, n := range img.Names {
		s.names = append(s.names, named{n.Lo, n.Hi, n.Text})
	}
	return s, nil
}

func (s *AddressSpace) restoreArea(a *Area, objects []*Object) (err error) {
	if s.has(a.Lo, a.Hi, foreign) {
		return host.ErrNoSpace
	}
	prot := hostProt(abi.Mprot(a.Bits & protBits))
	if a.Bits&ofObject != 0 {
		o := objects[a.Object]
		if err = s.host.MapObject(a.Lo, a.Hi-a.Lo, prot, a.Bits&shared != 0, o.FD, a.Off); err == nil {
			s.addView(o, a.Lo, a.Hi, a.Off)
		}
	} else {
		err = s.host.MapAnon(a.Lo, a.Hi-a.Lo, prot)
	}
	for _, r := range a.Saved {
		if err == nil {
			err = s.host.MapSnapshot(s.backing, r.Lo, r.Hi-r.Lo, prot)
		}
	}
	if err != nil {
		return err
	}
	for p := a.Lo / pageSize; p < a.Hi/pageSize; p++ {
		s.page[p].Store(a.Bits)
	}
	s.mapped += int(a.Hi-a.Lo) / pageSize
	return nil
}
