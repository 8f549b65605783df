package engine

import (
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
	l := e.marksNear(off)
	i := sort.Search(len(l), func(i int) bool { return uint64(l[i].Host) > off }) - 1
	// Only the last mark of a list may have no successor to bound it; what follows
	// is not code that can have been executing.
	if i >= 0 && (i < len(l)-1 || off-uint64(l[i].Host) < decode.MaxLen) {
		return l[i], true
	}
	return rewrite.Mark{}, false
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
