package memory

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// An aliasModel is a window of pages, or of larger units where the host has them, that show one object, privately or shared, or
// zeroed memory, and an engine that remembers the code it has translated.
type aliasModel struct {
	*AddressSpace
	t    *testing.T
	rng  *rand.Rand
	base uint64
	obj  *Object
	page [24]aliasPage

	code    map[int]uint32 // first word of each page that is translated
	dropped int
}

type aliasPage struct {
	mapped, object, shared bool
	prot                   abi.Mprot
	off                    int // page of the object
}

const objectPages = 5

// translated reports whether code was translated of the object; of page off only
// unless that is negative.
func (m *aliasModel) translated(off int) bool {
	for k := range m.code {
		if p := m.page[k]; p.object && (off < 0 || p.off == off) {
			return true
		}
	}
	return false
}

// locked says whether a write to page k must be noticed.
func (m *aliasModel) locked(k int) bool {
	p := m.page[k]
	return p.shared && p.prot&abi.ProtWrite != 0 && m.translated(p.off)
}

func (m *aliasModel) touches(lo, hi int) bool {
	for k := lo; k < hi; k++ {
		if _, ok := m.code[k]; ok || m.locked(k) {
			return true
		}
	}
	return false
}

func (m *aliasModel) addr(k int) uint64 { return m.base + uint64(k)*host.MapUnit }

var aliasProts = []abi.Mprot{0, abi.ProtRead, rw, rw, rx, rx, abi.ProtWrite}

// mapPages maps pages over what is in [lo, hi) and reports whether translations
// must go.
func (m *aliasModel) mapPages(lo, hi int) bool {
	p := aliasPage{mapped: true, prot: aliasProts[m.rng.IntN(len(aliasProts))]}
	req := Request{Addr: m.addr(lo), Len: uint64(hi-lo) * host.MapUnit, Fixed: true, Prot: p.prot}
	if m.rng.IntN(4) > 0 {
		p.object, p.shared, p.off = true, m.rng.IntN(4) > 0, m.rng.IntN(objectPages)
		hi = min(hi, lo+objectPages-p.off)
		req.Len, req.Object, req.Shared, req.Off = uint64(hi-lo)*host.MapUnit, m.obj, p.shared, int64(p.off)*host.MapUnit
	}
	need := m.touches(lo, hi) || p.shared && m.translated(-1)
	if _, err := m.Map(req); err != nil {
		m.t.Fatalf("map %+v: %v", req, err)
	}
	for k := lo; k < hi; k++ {
		m.page[k] = p
		p.off++
	}
	return need
}

func (m *aliasModel) protect(lo, hi int) bool {
	prot := aliasProts[m.rng.IntN(len(aliasProts))]
	all, views := true, false
	for _, p := range m.page[lo:hi] {
		all, views = all && p.mapped, views || p.shared
	}
	need := all && (m.touches(lo, hi) || prot&abi.ProtWrite != 0 && views && m.translated(-1))
	if err := m.Protect(m.addr(lo), uint64(hi-lo)*host.MapUnit, prot); all != (err == nil) {
		m.t.Fatalf("protect: %v", err)
	}
	for k := lo; k < hi && all; k++ {
		m.page[k].prot = prot
	}
	return need
}

// write stores a word in page k in one of the ways there are.
func (m *aliasModel) write(k int) bool {
	a, v, need := m.addr(k), m.rng.Uint32(), m.locked(k)
	var err error
	switch m.rng.IntN(6) {
	case 0:
		err = m.Store32(a, v)
	case 1:
		old, _ := m.Load32(a)
		_, err = m.CompareAndSwap32(a, old, v)
	case 2:
		err = m.CopyOut(a, binary.LittleEndian.AppendUint32(nil, v))
	case 3: // what the kernel does around a host call
		if err = m.Check(a, 4, true); err == nil {
			err = host.Store32(a, v)
		}
	case 4: // what the engine does with a fault of the guest
		if err = host.Store32(a, v); err != nil && m.WriteFault(a+3) {
			err = host.Store32(a, v)
		}
	case 5:
		err = m.Store64(a, uint64(v))
	}
	if can := m.page[k].prot&abi.ProtWrite != 0; can != (err == nil) {
		m.t.Fatalf("write to page %d, %+v: %v", k, m.page[k], err)
	}
	return need
}

func (m *aliasModel) translate(k int) {
	if m.page[k].prot&abi.ProtExec == 0 {
		return
	}
	m.AddressSpace.translate(m.addr(k))
	v, err := m.Load32(m.addr(k))
	noErr(m.t, err)
	m.code[k] = v
}

// TestAliasModel does random things to views of an object: translations must go
// when, and only when, what they were made of changes or might change unnoticed.
func TestAliasModel(t *testing.T) {
	m := &aliasModel{AddressSpace: newSpace(t), t: t, rng: rand.New(rand.NewPCG(3, 4)),
		obj: newObject(t, objectPages*host.MapUnit), code: make(map[int]uint32)}
	m.SetInvalidate(func(lo, hi uint64) { m.dropped++; clear(m.code) })
	m.base = m.mustMap(t, Request{Len: uint64(len(m.page)) * host.MapUnit})
	noErr(t, m.Unmap(m.base, uint64(len(m.page))*host.MapUnit))
	total := 0
	for step := range 60000 {
		lo := m.rng.IntN(len(m.page))
		hi := lo + 1 + m.rng.IntN(min(4, len(m.page)-lo))
		m.dropped = 0
		need, op := false, m.rng.IntN(16)
		switch {
		case op == 0:
			need = m.mapPages(lo, hi)
		case op == 1:
			need = m.protect(lo, hi)
		case op == 2:
			need = m.touches(lo, hi)
			noErr(t, m.Unmap(m.addr(lo), uint64(hi-lo)*host.MapUnit))
			clear(m.page[lo:hi])
		case op < 9:
			need = m.write(lo)
		default:
			m.translate(lo)
		}
		want := 0
		if need {
			want, total = 1, total+1
		}
		if m.dropped != want {
			t.Fatalf("step %d, operation %d: translations dropped %d times, want %d", step, op, m.dropped, want)
		}
		for k, v := range m.code {
			if now, err := m.Load32(m.addr(k)); err != nil || now != v {
				t.Fatalf("step %d, operation %d: page %d was translated as %#x and is %#x, %v", step, op, k, v, now, err)
			}
		}
	}
	if total < 1000 {
		t.Errorf("translations were dropped only %d times", total)
	}
}

// Writers to a page of code that is translated again and again never see a fault,
// and what is translated is never stale when the world stands still.
func TestAliasRaces(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, 2*pageSize)
	view := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw, Object: obj, Shared: true})
	code := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rx, Object: obj, Shared: true})
	var drops atomic.Int64
	s.SetInvalidate(func(lo, hi uint64) { drops.Add(1) })
	var stop atomic.Bool
	var engine, writers sync.WaitGroup
	s.translate(code) // the first write meets it in any case
	engine.Add(1)
	go func() {
		defer engine.Done()
		for !stop.Load() {
			s.translate(code)
			s.translate(code + pageSize)
		}
	}()
	for i := range 3 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			buf := make([]byte, 64)
			for k := range uint32(4000) {
				a := view + pageSize - 32 // the last one crosses pages
				var err error
				switch (int(k) + i) % 3 {
				case 0:
					err = s.Store32(a, k)
				case 1:
					_, err = s.CompareAndSwap32(a+4, 0, k)
				case 2:
					err = s.CopyOut(a, buf)
				}
				if err != nil {
					t.Errorf("writer %d, round %d: %v", i, k, err)
				}
			}
		}()
	}
	writers.Wait()
	stop.Store(true)
	engine.Wait()
	if drops.Load() == 0 {
		t.Error("no write met write-protected code")
	}
}

// WriteUnlocks moves exactly when pages can be written again.
func TestWriteUnlocks(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, pageSize)
	view := s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: obj, Shared: true})
	code := s.mustMap(t, Request{Len: pageSize, Prot: rx, Object: obj, Shared: true})
	alone := s.mustMap(t, Request{Len: pageSize, Prot: rx})
	for i := range uint64(3) {
		s.translate(code)
		s.translate(alone)
		if host.Store32(view, 1) == nil {
			t.Error("a view of translated code can be written")
		}
		noErr(t, s.Check(view, 1, false))
		if got := s.WriteUnlocks(); got != i {
			t.Errorf("%d after a Check for reading, want %d", got, i)
		}
		noErr(t, s.Check(view, pageSize, true))
		if got := s.WriteUnlocks(); got != i+1 {
			t.Errorf("%d after a Check for writing, want %d", got, i+1)
		}
		noErr(t, host.Store32(view, 1))
	}
	s.translate(alone)
	noErr(t, s.Unmap(alone, pageSize))
	if got := s.WriteUnlocks(); got != 3 {
		t.Errorf("%d after code without a view has gone, want 3", got)
	}
}

// A view that is cut in two aliases what is left of it, no more and no less.
func TestCutViews(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, 8*pageSize)
	view := s.mustMap(t, Request{Len: 8 * pageSize, Prot: rw, Object: obj, Shared: true})
	code := s.mustMap(t, Request{Len: 8 * pageSize, Prot: rx, Object: obj, Shared: true})
	noErr(t, s.Unmap(view+2*pageSize, pageSize))
	noErr(t, s.Unmap(view+5*pageSize, pageSize))
	if host.MapUnit == pageSize {
		s.mustMap(t, Request{Addr: view + 5*pageSize, Len: pageSize, Prot: rw, Fixed: true}) // anonymous
	}
	drops := 0
	s.SetInvalidate(func(lo, hi uint64) { drops++ })
	for k := range uint64(8) {
		s.translate(code + k*pageSize)
		for other := range uint64(8) {
			if other != k && other != 2 && other != 5 {
				noErr(t, s.Store32(view+other*pageSize, 1))
			}
		}
		if drops != 0 {
			t.Errorf("page %d: writes to other pages dropped its translation", k)
		}
		err := s.Store32(view+k*pageSize, 1)
		want := 1
		if k == 2 || k == 5 {
			want = 0
			if (k == 2 || host.MapUnit > pageSize) != (err != nil) {
				t.Errorf("page %d: %v", k, err)
			}
			noErr(t, s.Protect(code+k*pageSize, pageSize, rx)) // drop it all the same
			drops--
		}
		if drops != want {
			t.Errorf("page %d: %d drops, want %d", k, drops, want)
		}
		drops = 0
	}
	noErr(t, s.Unmap(view, 8*pageSize))
	noErr(t, s.Unmap(code, 8*pageSize))
	if len(s.objects) != 0 {
		t.Errorf("%d objects are left without a view", len(s.objects))
	}
}

// A write that the host refused finds, once it has the lock, that another thread
// has given write access back: it is no fault either.
func TestSecondWriter(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, pageSize)
	view := s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: obj, Shared: true})
	code := s.mustMap(t, Request{Len: pageSize, Prot: rx, Object: obj, Shared: true})
	for name, write := range map[string]func() error{
		"Store32":          func() error { return s.Store32(view, 1) },
		"Store64":          func() error { return s.Store64(view, 1) },
		"CompareAndSwap32": func() error { _, err := s.CompareAndSwap32(view, 0, 1); return err },
		"CopyOut":          func() error { return s.CopyOut(view, []byte{1, 2, 3}) },
		"Check": func() error {
			if s.Check(view, 1, true) != nil {
				return abi.EFAULT
			}
			return host.Store32(view, 1)
		},
	} {
		s.translate(code)
		second := make(chan error, 1)
		s.SetInvalidate(func(lo, hi uint64) {
			go func() { second <- write() }()
			time.Sleep(10 * time.Millisecond) // the page is still protected: most likely it waits now
		})
		noErr(t, s.Store32(view, 2))
		if err := <-second; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
