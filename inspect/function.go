package inspect

import (
	"cmp"
	"encoding/binary"
	"slices"

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

// Pointer encodings of .eh_frame_hdr and .eh_frame (Linux Standard Base, core, 10.5): what linkers write.
const (
	encUData4      = 0x03 // an unsigned 4-byte number
	encSData4PC    = 0x1b // signed 4 bytes, relative to their own address
	encSData4Table = 0x3b // signed 4 bytes, relative to the beginning of .eh_frame_hdr
)

// unwindRanges reads the search table of .eh_frame_hdr and the lengths from the entries of .eh_frame it points to.
// Encodings that linkers do not use give none.
func (p *Program) unwindRanges() []function {
	h := p.image.EHFrameHdr
	b := p.at(h.Vaddr, h.Size)
	if len(b) < 12 || b[0] != 1 || b[2] != encUData4 || b[3] != encSData4Table {
		return nil
	}
	le := binary.LittleEndian
	n := min(uint64(le.Uint32(b[8:])), uint64(len(b)-12)/8)
	out := make([]function, 0, n)
	for b = b[12:]; n > 0; b, n = b[8:], n-1 {
		lo := h.Vaddr + uint64(int64(int32(le.Uint32(b))))
		f := function{lo: lo, hi: lo}
		if length, ok := p.unwindLength(h.Vaddr+uint64(int64(int32(le.Uint32(b[4:])))), lo); ok {
			f.hi = lo + length
		}
		out = append(out, f)
	}
	return out
}

// unwindLength reads how many bytes the frame description entry at addr covers. It must begin at lo in the usual
// encoding, or nothing is claimed.
func (p *Program) unwindLength(addr, lo uint64) (uint64, bool) {
	b := p.at(addr, 16) // length, distance of the common entry, first address, number of bytes
	if b == nil {
		return 0, false
	}
	le := binary.LittleEndian
	if length := le.Uint32(b); length < 12 || length == 0xffffffff {
		return 0, false
	}
	if addr+8+uint64(int64(int32(le.Uint32(b[8:])))) != lo {
		return 0, false
	}
	return uint64(le.Uint32(b[12:])), true
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
