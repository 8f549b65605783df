package memory

import (
	"testing"

	"cabitrans/runtime/abi"
)

// engine counts what the engine is told.
type engine struct{ flushes int }

func (e *engine) invalidate(lo, hi uint64) { e.flushes++ }

// translate does what the engine does before it reads a page of code.
func (s *AddressSpace) translate(addr uint64) {
	s.RLock()
	s.MarkTranslated(addr, addr+pageSize)
	s.RUnlock()
}

// TestInvalidate says for each change whether translations of a page must go.
func TestInvalidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *AddressSpace, code, data uint64, obj *Object) error
		want   int
	}{
		{"protect", func(s *AddressSpace, code, data uint64, _ *Object) error { return s.Protect(code, 1, rw) }, 1},
		{"unmap", func(s *AddressSpace, code, data uint64, _ *Object) error { return s.Unmap(code, 1) }, 1},
		{"map over", func(s *AddressSpace, code, data uint64, _ *Object) error {
			_, err := s.Map(Request{Addr: code, Len: 1, Fixed: true, Prot: rx})
			return err
		}, 1},
		{"protect data", func(s *AddressSpace, code, data uint64, _ *Object) error { return s.Protect(data, 1, 0) }, 0},
		{"map elsewhere", func(s *AddressSpace, code, data uint64, _ *Object) error {
			_, err := s.Map(Request{Len: 1, Prot: rw})
			return err
		}, 0},
		{"write data", func(s *AddressSpace, code, data uint64, _ *Object) error { return s.Store32(data, 1) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, e := newSpace(t), new(engine)
			s.SetInvalidate(e.invalidate)
			code := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rx})
			data := s.mustMap(t, Request{Len: pageSize, Prot: rw})
			s.translate(code)
			for range 2 { // the second time nothing is translated
				if err := c.change(s, code, data, nil); err != nil {
					t.Fatal(err)
				}
			}
			if e.flushes != c.want {
				t.Errorf("%d flushes, want %d", e.flushes, c.want)
			}
		})
	}
}

// TestAlias writes to code through another view, in every way that there is.
func TestAlias(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(s *AddressSpace, addr uint64) error
	}{
		{"store32", func(s *AddressSpace, a uint64) error { return s.Store32(a, 0xc3) }},
		{"store64", func(s *AddressSpace, a uint64) error { return s.Store64(a, 0xc3) }},
		{"compare and swap", func(s *AddressSpace, a uint64) error { _, err := s.CompareAndSwap32(a, 0, 0xc3); return err }},
		{"copy", func(s *AddressSpace, a uint64) error { return s.CopyOut(a, []byte{0xc3, 0, 0, 0}) }},
		{"copy across pages", func(s *AddressSpace, a uint64) error {
			if err := s.CopyOut(a-2, []byte{0, 0, 0xc3, 0}); err != nil {
				return err
			}
			return nil
		}},
		{"check, then write", func(s *AddressSpace, a uint64) error {
			if err := s.Check(a, 4, true); err != nil {
				return err
			}
			return s.Store32(a, 0xc3)
		}},
		{"guest's own fault", func(s *AddressSpace, a uint64) error {
			if !s.WriteFault(a) {
				return abi.EFAULT
			}
			return s.Store32(a, 0xc3)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, e := newSpace(t), new(engine)
			s.SetInvalidate(e.invalidate)
			obj := newObject(t, 4*pageSize)
			w := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw, Object: obj, Shared: true})
			x := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rx, Object: obj, Shared: true, Off: pageSize})
			for turn := 1; turn <= 3; turn++ {
				s.translate(x)
				if err := s.Store32(w+3*pageSize, 1); err != nil { // not that page
					t.Fatal(err)
				}
				if e.flushes != turn-1 {
					t.Fatalf("turn %d: %d flushes before the write", turn, e.flushes)
				}
				if err := s.CopyOut(w+2*pageSize, make([]byte, 8)); err != nil {
					t.Fatal(err)
				}
				if err := c.write(s, w+pageSize); err != nil {
					t.Fatal(err)
				}
				if e.flushes != turn {
					t.Errorf("turn %d: %d flushes, want %d", turn, e.flushes, turn)
				}
				var b [1]byte
				s.RLock()
				n, err := s.Fetch(x, b[:])
				s.RUnlock()
				if n != 1 || err != nil || b[0] != 0xc3 {
					t.Errorf("turn %d: fetched %x, %v", turn, b, err)
				}
				if err := s.Store32(w+pageSize, 0); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestNewView makes a writable view of code that is translated already.
func TestNewView(t *testing.T) {
	s, e := newSpace(t), new(engine)
	s.SetInvalidate(e.invalidate)
	obj := newObject(t, pageSize)
	x := s.mustMap(t, Request{Len: pageSize, Prot: rx, Object: obj, Shared: true})
	s.translate(x)
	w := s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: obj, Shared: true})
	if e.flushes != 1 {
		t.Errorf("%d flushes after a new writable view, want 1", e.flushes)
	}
	s.translate(x)
	if err := s.Store32(w, 1); err != nil {
		t.Fatal(err)
	}
	if e.flushes != 2 {
		t.Errorf("%d flushes after a write, want 2", e.flushes)
	}
	// A part of a view that is gone aliases nothing.
	s.translate(x)
	if err := s.Unmap(x, pageSize); err != nil {
		t.Fatal(err)
	}
	n := e.flushes
	if err := s.Store32(w, 2); err != nil || e.flushes != n {
		t.Errorf("%v, %d flushes after the code is gone, want %d", err, e.flushes, n)
	}
}

func TestFetch(t *testing.T) {
	s := newSpace(t)
	p := s.mustMap(t, Request{Len: 3 * pageSize, Prot: rw})
	if err := s.Protect(p, 2*pageSize, rx); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr uint64
		n    int
		err  error
	}{
		{p, 16, nil}, {p + pageSize - 8, 16, nil}, {p + 2*pageSize - 5, 5, nil},
		{p + 2*pageSize, 0, abi.EFAULT}, {0, 0, abi.EFAULT}, {1 << 40, 0, abi.EFAULT},
	} {
		s.RLock()
		n, err := s.Fetch(c.addr, make([]byte, 16))
		s.RUnlock()
		if n != c.n || err != c.err {
			t.Errorf("fetch at %#x: %d, %v; want %d, %v", c.addr, n, err, c.n, c.err)
		}
	}
}
