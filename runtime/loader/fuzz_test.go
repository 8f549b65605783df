package loader

import (
	"debug/elf"
	"errors"
	"testing"
)

func seed(f *testing.F) {
	for _, g := range guests {
		f.Add(guest(f, g.name))
	}
	f.Add(goodFile().bytes())
	f.Add(goodFile().bytes()[:ehdrSize+3*phdrSize])
	f.Add(symbolFile(elf.SHT_SYMTAB, someSymbols))
	f.Add(BuildVDSO(vdsoNames()).Image)
	f.Add([]byte("#!/bin/sh"))
}

// FuzzParse checks the invariants of doc.go on whatever Parse accepts, and that refusals have a kind.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := parse(b)
		if err != nil {
			var fe *FormatError
			if img != nil || !errors.As(err, &fe) || fe.Kind == nil || fe.Detail == "" {
				t.Fatalf("%v, %T %v", img, err, err)
			}
			return
		}
		biases := []uint64{0}
		if img.PIE {
			biases = append(biases, img.Align, (maxAddr-img.Hi)&^(img.Align-1))
		}
		for _, bias := range biases {
			if img.Hi+bias > maxAddr {
				continue
			}
			p, err := img.Plan(bias)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkPlan(img, p, int64(len(b))); err != nil {
				t.Fatalf("%v in %+v\nof %+v", err, p, img)
			}
		}
		s := &Start{StackLo: 1 << 20, StackHi: 2 << 20, NCPUs: 1, TID: 1}
		s.Phdr, s.Phnum, s.Phdrs = img.PhdrVaddr, img.Phnum, img.Phdrs
		if _, err := s.Build(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSymbols checks that Lookup agrees with a search through all symbols.
func FuzzSymbols(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := symbols(b)
		if err != nil && tab != nil {
			t.Fatal("a table and an error")
		}
		if tab == nil {
			return
		}
		for i := 0; i < len(tab.syms); i += 1 + len(tab.syms)/50 {
			s := &tab.syms[i]
			for _, addr := range []uint64{s.addr, s.addr + 1, s.end - 1, s.end, s.end + symPadding - 1, s.end + symPadding} {
				checkLookup(t, tab, addr)
			}
			if s.end <= s.addr || s.size > 0 && s.end != s.addr+s.size {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func checkLookup(t *testing.T, tab *SymTab, addr uint64) {
	best, name := outside, ""
	for i := range tab.syms {
		best = max(best, tab.syms[i].grade(addr))
	}
	name, off, ok := tab.Lookup(addr)
	if ok != (best > outside) || ok && name == "" {
		t.Fatalf("%#x: %q, %v, want grade %d", addr, name, ok, best)
	}
	if !ok {
		return
	}
	for i := range tab.syms {
		if s := &tab.syms[i]; s.addr+off == addr && s.grade(addr) == best {
			return
		}
	}
	t.Fatalf("%#x: %s+%#x is not of grade %d", addr, name, off, best)
}
