package engine

import (
	"cabitrans/rewrite"
)

// Branches inside a region are made short where the guest has them short, as far as the
// translation in between is sure to let them reach: the code stays denser, for the CPU's
// caches and its decoders.

// bound fills starts: for each instruction, in the order of the layout, a bound on where
// its translation begins, counted from the region's begin. The distance of two is never
// less than it turns out to be.
func (e *Engine) bound() {
	g := &e.region
	if cap(g.starts) < len(g.insts) {
		g.starts = make([]uint32, len(g.insts), maxRegion)
	}
	g.starts = g.starts[:len(g.insts)]
	at := uint32(0)
	for i := range g.runs {
		r := &g.runs[i]
		if r.first == r.last || g.entries[r.first]&entryWanted != 0 {
			at += layoutUnit + rewrite.MaxEntry
		}
		for k := r.first; k < r.last; k++ {
			if g.entries[k]&entryLoop != 0 {
				at += layoutUnit
			}
			g.starts[k] = at
			if l := g.leaf(k); l != nil {
				at += l.bound
			} else {
				at += e.rw.Bound(&g.insts[k])
			}
		}
		at += rewrite.MaxJump
		if r.end == endsTrap || r.end == endsFetch || g.traced {
			at += rewrite.MaxEmit
		}
	}
}

// short reports whether a short branch of opcode length one, made here for instruction k,
// surely reaches target.
func (e *Engine) short(k int, target uint64) bool {
	g := &e.region
	t := e.enters(target)
	if t == 0 || e.rw.Without&rewrite.WithoutShort != 0 {
		return false
	}
	if h := g.host[t-1]; h != 0 { // laid out already
		return e.offset()+2-h <= 128 // the branch's own length is 2
	}
	return g.starts[t-1]-g.starts[k] <= 127+2
}
