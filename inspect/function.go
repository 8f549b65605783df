package inspect

import (
	"cmp"
	"slices"

	"cabitrans/runtime/ehframe"
	"cabitrans/runtime/loader"
)

// A function is a stretch of text that something in the file vouches for.
type function struct {
	lo, hi uint64 // lo == hi when only the beginning is known
	name   string // empty if only .eh_frame knows it
}

// findFunctions collects what the symbol table and .eh_frame know, ascending, one for each beginning.
func (p *Program) findFunctions() []function {
	var all []function
	for s := range p.syms.All {
		if s.Func && p.inText(s.Addr) {
			all = append(all, function{s.Addr, s.Addr + s.Size, s.Name})
		}
	}
	for _, f := range p.unwindRanges() {
		if p.inText(f.lo) {
			all = append(all, f)
		}
	}
	all = append(all, function{lo: p.image.Entry, hi: p.image.Entry})
	// Of those at one address the longest, and of those the named one, comes first. Sort is stable: symbols are in the
	// order of the loader's preference, the last being the best.
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b function) int {
		named := func(f function) int { return min(len(f.name), 1) }
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(b.hi, a.hi), named(b)-named(a))
	})
	return slices.CompactFunc(all, func(a, b function) bool { return a.lo == b.lo })
}

// inText reports whether an address is in an executable segment.
func (p *Program) inText(addr uint64) bool {
	return slices.ContainsFunc(p.text, func(s loader.Segment) bool { return addr-s.Vaddr < s.Filesz })
}

// unwindRanges are the functions in the unwind tables; tables of a form that linkers do not write give none.
func (p *Program) unwindRanges() (out []function) {
	t, err := ehframe.Open(p.at, p.image.EHFrameHdr.Vaddr, p.image.EHFrameHdr.Size)
	if err != nil {
		return nil
	}
	for lo, hi := range t.All {
		out = append(out, function{lo: lo, hi: hi})
	}
	return out
}

// functionAt returns the function that covers an address.
func (p *Program) functionAt(addr uint64) (function, bool) {
	i, ok := slices.BinarySearchFunc(p.funcs, addr, compareLo)
	if ok {
		return p.funcs[i], true
	}
	for i--; i >= 0; i-- {
		if f := p.funcs[i]; addr < f.hi {
			return f, true
		} else if f.hi > f.lo {
			break
		}
	}
	return function{}, false
}

func compareLo(f function, addr uint64) int { return cmp.Compare(f.lo, addr) }
