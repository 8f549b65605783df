package engine

import (
	"slices"
	"sort"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// mark finds the source-map entry of a host address in the code cache. It is for
// a thread that has left the guest there and is not yet settled: while such a
// thread exists nothing is dropped.
func (e *Engine) mark(pc uint64) (rewrite.Mark, bool) {
	e.marksMu.RLock()
	defer e.marksMu.RUnlock()
	return e.findMark(pc - host.CacheLo)
}

// findMark is mark for an offset in the code cache, with marksMu held.
func (e *Engine) findMark(off uint64) (rewrite.Mark, bool) {
	if off >= host.CacheSize {
		return rewrite.Mark{}, false
	}
	// The last list that begins before pc: lists lie close together.
	for _, l := range slices.Backward(e.markLists()) {
		if len(l) == 0 || off < uint64(l[0].Host) {
			continue
		}
		i := sort.Search(len(l), func(i int) bool { return uint64(l[i].Host) > off }) - 1
		// Only the last mark of a list has no successor to bound it; what follows
		// is not code that can have been executing.
		if i < len(l)-1 || off-uint64(l[i].Host) < decode.MaxLen {
			return l[i], true
		}
		break
	}
	return rewrite.Mark{}, false
}

// markLists is the source map, in order of host addresses.
func (e *Engine) markLists() [][]rewrite.Mark {
	return [][]rewrite.Mark{
		e.marks[0], e.marks[1], e.marks[2], e.marks[3], e.rw.HotMarks, e.rw.ColdMarks, e.home.portalMarks,
	}
}

// settle turns the registers in b, those of a host instruction with mark m, into
// the guest's state at an instruction boundary.
func settle(b *host.Block, m rewrite.Mark) {
	b.RIP = uint64(m.Guest)
	if m.Fix&rewrite.FixPC != 0 {
		b.RIP = b.Regs[decode.R11]
	}
	switch {
	case m.Fix&rewrite.FixIndex == 0:
	case packed:
		b.RIP = packedTable.PC(b.RIP)
	default:
		b.RIP -= 2 * host.CallLea
	}
	if m.Fix&rewrite.FixSlotPC != 0 {
		b.RIP = b.Spill[2]
	}
	if m.Fix&rewrite.FixR11 != 0 {
		b.Regs[decode.R11] = b.Spill[0]
	}
	if m.Fix&rewrite.FixReg1 != 0 {
		b.Regs[m.Reg1] = b.Spill[1]
	}
	if m.Fix&rewrite.FixReg2 != 0 {
		b.Regs[m.Reg2] = b.Spill[2]
	}
	b.Regs[decode.RSP] += uint64(int64(m.RSP) * 8)
}
