package inspect

import (
	"cmp"
	"slices"

	"cabitrans/decode"
	"cabitrans/runtime/loader"
)

// A stretch is [lo, hi) of the file's addresses.
type stretch struct{ lo, hi uint64 }

// sweep decodes an executable segment from its beginning to its end and calls visit for each instruction, which lies
// at address addr of the file and in a known function if inside. It returns what could not be decoded: bytes that are
// no instruction, and instructions into which a function begins.
func (p *Program) sweep(s loader.Segment, code []byte, visit func(in *decode.Inst, code []byte, addr uint64, inside bool)) (
	bad []stretch) {
	w := &walk{cuts: p.cuts(s), known: p.known(s)}
	end := s.Vaddr + uint64(len(code))
	var in decode.Inst
	for addr := s.Vaddr; addr < end; {
		next := w.next(addr, end)
		b := code[addr-s.Vaddr : next-s.Vaddr]
		n := uint64(1)
		if err := in.Decode(b, addr+p.bias); err == nil {
			n = uint64(in.Len)
			visit(&in, b[:n], addr, w.inside(addr))
		} else {
			if err == decode.ErrTruncated {
				n = uint64(len(b))
			}
			if k := len(bad); k > 0 && bad[k-1].hi == addr {
				bad[k-1].hi += n
			} else {
				bad = append(bad, stretch{addr, addr + n})
			}
		}
		addr += n
	}
	return bad
}

// A walk goes through ascending cuts and stretches as addresses ascend.
type walk struct {
	cuts  []uint64
	known []stretch
}

// next is the first cut behind addr, at most end.
func (w *walk) next(addr, end uint64) uint64 {
	for len(w.cuts) > 0 && w.cuts[0] <= addr {
		w.cuts = w.cuts[1:]
	}
	if len(w.cuts) > 0 {
		return min(w.cuts[0], end)
	}
	return end
}

func (w *walk) inside(addr uint64) bool {
	for len(w.known) > 0 && w.known[0].hi <= addr {
		w.known = w.known[1:]
	}
	return len(w.known) > 0 && w.known[0].lo <= addr
}

// cuts lists where functions of a segment begin and end, ascending.
func (p *Program) cuts(s loader.Segment) (out []uint64) {
	add := func(addr uint64) {
		if addr-s.Vaddr < s.Filesz {
			out = append(out, addr)
		}
	}
	for _, f := range p.funcs {
		add(f.lo)
		add(f.hi)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// known lists what functions cover of a segment, ascending and without overlap.
func (p *Program) known(s loader.Segment) (out []stretch) {
	end := s.Vaddr + s.Filesz
	for _, f := range p.funcs {
		lo, hi := max(f.lo, s.Vaddr), min(f.hi, end)
		if lo >= hi {
			continue
		}
		if k := len(out); k > 0 && lo <= out[k-1].hi {
			out[k-1].hi = max(out[k-1].hi, hi)
		} else {
			out = append(out, stretch{lo, hi})
		}
	}
	slices.SortFunc(out, func(a, b stretch) int { return cmp.Compare(a.lo, b.lo) })
	return out
}
