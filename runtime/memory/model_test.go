package memory

import (
	"math/rand/v2"
	"sync"
	"testing"

	"cabitrans/runtime/abi"
)

// TestModel does random things to a window of pages and compares with what a map
// of pages says should be there.
func TestModel(t *testing.T) {
	const n = 32
	rng := rand.New(rand.NewPCG(1, 2))
	s := newSpace(t)
	base := s.mustMap(t, Request{Len: n * pageSize})
	if err := s.Unmap(base, n*pageSize); err != nil {
		t.Fatal(err)
	}
	type page struct {
		mapped bool
		prot   abi.Mprot
		mark   uint32 // what its first word should be
	}
	var model [n]page
	prots := []abi.Mprot{0, abi.ProtRead, rw, rx, abi.ProtWrite, abi.ProtExec}
	for i := range uint32(20000) {
		lo := rng.IntN(n)
		hi := lo + 1 + rng.IntN(min(6, n-lo))
		addr, size := base+uint64(lo)*pageSize, uint64(hi-lo)*pageSize
		prot := prots[rng.IntN(len(prots))]
		all := true
		for _, p := range model[lo:hi] {
			all = all && p.mapped
		}
		switch rng.IntN(4) {
		case 0:
			if _, err := s.Map(Request{Addr: addr, Len: size, Fixed: true, Prot: prot}); err != nil {
				t.Fatal(err)
			}
			for k := lo; k < hi; k++ {
				model[k] = page{mapped: true, prot: prot}
			}
		case 1:
			if err := s.Unmap(addr, size); err != nil {
				t.Fatal(err)
			}
			clear(model[lo:hi])
		case 2:
			err := s.Protect(addr, size, prot)
			if all != (err == nil) {
				t.Fatalf("protect: %v", err)
			}
			for k := lo; k < hi && all; k++ {
				model[k].prot = prot
			}
		case 3:
			p := &model[lo]
			can := p.prot&abi.ProtWrite != 0
			if err := s.Store32(addr, i); can != (err == nil) {
				t.Fatalf("store with protection %v: %v", p.prot, err)
			}
			if can {
				p.mark = i
			}
		}
		k := rng.IntN(n)
		p, a := model[k], base+uint64(k)*pageSize
		v, err := s.Load32(a)
		if (p.prot != 0) != (err == nil) || err == nil && v != p.mark {
			t.Fatalf("step %d, page %d: %d, %v; want %+v", i, k, v, err, p)
		}
		if (p.prot&abi.ProtWrite != 0) != (s.Check(a, pageSize, true) == nil) || (p.prot != 0) != (s.Check(a, 1, false) == nil) {
			t.Fatalf("step %d, page %d: check disagrees with %+v", i, k, p)
		}
	}
	count := uint64(0)
	for _, p := range model {
		if p.mapped {
			count++
		}
	}
	if s.Mapped() != count*pageSize {
		t.Errorf("%d bytes are mapped, want %d", s.Mapped(), count*pageSize)
	}
}

// TestPlaces fills the arena: no two mappings may overlap, and what is unmapped
// can be had again.
func TestPlaces(t *testing.T) {
	s := newSpace(t)
	var got []uint64
	const size = 16 << 20
	for round := range 2 {
		got = got[:0]
		for {
			a, err := s.Map(Request{Len: size, Align: 1 << 21})
			if err == abi.ENOMEM {
				break
			}
			if err != nil || a%(1<<21) != 0 {
				t.Fatalf("%#x, %v", a, err)
			}
			got = append(got, a)
		}
		seen := make(map[uint64]bool)
		for _, a := range got {
			for p := a; p < a+size; p += 1 << 21 {
				if seen[p] {
					t.Fatalf("round %d: two mappings at %#x", round, p)
				}
				seen[p] = true
			}
		}
		if len(got) < 60 {
			t.Errorf("round %d: only %d MiB of memory", round, len(got)*size>>20)
		}
		for _, a := range got {
			if err := s.Unmap(a, size); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestConcurrent maps, writes and unmaps in several threads; each must find its
// own data.
func TestConcurrent(t *testing.T) {
	s := newSpace(t)
	s.SetInvalidate(func(lo, hi uint64) {})
	var wg sync.WaitGroup
	for i := range uint32(8) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := range uint32(300) {
				a, err := s.Map(Request{Len: 3 * pageSize, Prot: rw})
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Store32(a+pageSize, i<<16|k)
				if err := s.Protect(a, 2*pageSize, rx); err != nil {
					t.Error(err)
				}
				if v, err := s.Load32(a + pageSize); v != i<<16|k || err != nil {
					t.Errorf("thread %d: %#x, %v", i, v, err)
				}
				if err := s.Unmap(a, 3*pageSize); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
}

func BenchmarkMapUnmap(b *testing.B) {
	s := newSpace(b)
	for b.Loop() {
		a, err := s.Map(Request{Len: 64 << 10, Prot: rw})
		if err == nil {
			err = s.Unmap(a, 64<<10)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	s := newSpace(b)
	a := s.mustMap(b, Request{Len: pageSize, Prot: rw})
	for b.Loop() {
		if s.Check(a+100, 200, true) != nil {
			b.Fatal("not writable")
		}
	}
}
