package engine

import (
	"cmp"
	"slices"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// emit rewrites the region that find discovered and publishes it. called tells
// that a direct call waits for entry.
func (e *Engine) emit(entry uint64, called bool) {
	e.findLeaves()
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	g := &e.region
	// The guest's own order: what falls through there falls through here, and
	// hot loops stay as compact as the guest's compiler made them.
	slices.SortFunc(g.runs, func(a, b run) int { return cmp.Compare(a.lo, b.lo) })
	if cap(g.host) < len(g.insts) {
		g.host = make([]uint32, len(g.insts), maxRegion)
	}
	g.host = g.host[:len(g.insts)]
	clear(g.host)
	g.markCalled(entry, called)
	e.bound()
	e.rw.DeadR11 = called && e.rw.Without&rewrite.WithoutDead == 0 && e.blocks == nil && !g.alone && !g.writesR11()
	e.rw.Refs = g.refs[:0]
	e.reserveMarks(len(g.insts))
	start := e.rw.Hot.Len()
	g.pieced = e.rw.Hot.PC()

	var trapEntry uint32
	for i := range g.runs {
		r := &g.runs[i]
		if r.first == r.last && r.lo != entry {
			continue // nothing in it, and no branch to it is resolved here
		}
		if r.first < r.last && g.entries[r.first]&entryWanted != 0 {
			e.rw.AlignLike(r.lo, layoutUnit, rewrite.CallEntryLen)
			e.piece(PiecePad, r.lo)
			e.rw.CallEntry(r.lo)
			e.piece(PieceEntry, r.lo)
			g.entries[r.first] |= entryMade
		} else if i == 0 {
			e.rw.AlignLike(r.lo, layoutUnit, 0)
			e.piece(PiecePad, r.lo)
		}
		if r.first == r.last {
			trapEntry = e.offset()
		}
		for k := r.first; k < r.last; k++ {
			if g.entries[k]&entryLoop != 0 && k > r.first {
				e.rw.AlignLike(g.insts[k].PC, layoutUnit, 0)
				e.piece(PiecePad, g.insts[k].PC)
			}
			e.emitInst(k, r)
			e.piece(PieceInst, g.insts[k].PC)
			if e.counting() {
				e.cut(k, r)
			}
		}
		e.endRun(r, i)
		e.piece(PieceEnd, r.next)
	}

	for _, w := range g.wilds {
		e.rw.LeafWild(w.pc, w.at)
	}
	e.piece(PiecePad, entry)
	g.refs = e.rw.Refs
	for _, ref := range g.refs {
		e.resolveRef(ref)
	}
	e.tellTranslated(entry, called, start)
	if e.blocks != nil {
		e.keepBlock()
	}
	bytes := uint64(0) // of the guest
	for i := range g.insts {
		bytes += uint64(g.insts[i].Len)
		if e.counting() && i > 0 {
			continue // nothing enters behind what counts
		}
		v := entryOf(g.host[i])
		if g.entries[i]&entryMade != 0 {
			v |= entryCalled
		}
		if !g.alone {
			e.publish(g.insts[i].PC, v)
			if v&entryCalled != 0 {
				e.calledAhead(g.insts[i].PC, v)
			}
		}
	}
	if g.at(entry) == 0 && !g.alone {
		e.publish(entry, entryOf(trapEntry))
	}
	for _, l := range g.rets {
		e.set(&e.landings, l.pc, host.CacheLo+uint64(l.host))
	}
	e.stats.Regions++
	e.stats.Blocks += uint64(len(g.runs))
	e.stats.Instructions += uint64(len(g.insts))
	e.stats.GuestBytes += bytes
	e.stats.HostBytes += uint64(e.rw.Hot.Len() - start)
	e.stats.FSRewritten, e.rw.FSRewritten = e.stats.FSRewritten+e.rw.FSRewritten, 0
}

// markCalled notes which instructions are the targets of direct calls: of those
// in the region, and of the one that waits for entry if called.
func (g *region) markCalled(entry uint64, called bool) {
	g.entries = slices.Grow(g.entries[:0], len(g.insts))[:len(g.insts)]
	clear(g.entries)
	want := func(pc uint64) {
		if i := g.at(pc); i != 0 {
			g.entries[i-1] |= entryWanted
		}
	}
	for i := range g.insts {
		in := &g.insts[i]
		switch in.Flow {
		case decode.FlowCall:
			if g.leafOf[i] == 0 {
				want(in.Target)
			}
		case decode.FlowCond, decode.FlowLoop, decode.FlowJump:
			if k := g.at(in.Target); k != 0 && in.Target <= in.PC && in.Target%16 == 0 {
				g.entries[k-1] |= entryLoop
			}
		}
	}
	if called {
		want(entry)
	}
}

// layoutUnit is what regions, called functions and loops keep their place modulo,
// in bytes: a cache line, and two of the CPU's fetch windows. Against 16-byte
// alignment of regions alone it took the kernels of guests/ from 1.09 to 1.05 times
// native on average, and the worst of them from 1.6 to 1.3.
const layoutUnit = 64

func entryOf(off uint32) entry { return entry(off) }

// offset is where the next hot instruction goes.
func (e *Engine) offset() uint32 { return uint32(e.rw.Hot.PC() - host.CacheLo) }

func (e *Engine) emitInst(k int, r *run) {
	g := &e.region
	in := &g.insts[k]
	d := in.PC - g.lo
	g.host[k] = e.offset()
	if e.counting() {
		e.emitCount(k, in)
	}
	if in.Flow == decode.FlowJump && k == r.last-1 {
		return // endRun lays it out
	}
	if l := g.leaf(k); l != nil {
		e.emitLeaf(in, l)
		return
	}
	if in.Flow == decode.FlowCond {
		e.rw.Short = e.short(k, in.Target)
	}
	e.rw.Inst(in, g.code[d:])
	if in.Flow == decode.FlowCall || in.Flow == decode.FlowCallInd {
		g.rets = append(g.rets, landing{in.End(), e.offset()})
		e.rw.ReturnLanding(in.End())
	}
}

// endRun emits what follows the last instruction of run i, unless control falls
// through to the run that is laid out next.
func (e *Engine) endRun(r *run, i int) {
	g := &e.region
	next := uint64(0)
	if i+1 < len(g.runs) {
		// A call entry in between cannot be fallen through.
		if n := &g.runs[i+1]; n.first < n.last && g.entries[n.first]&entryWanted == 0 {
			next = n.lo
		}
	}
	if g.traced && r.end == endsJoin {
		e.rw.Trap(r.next, rewrite.TrapStep)
		return
	}
	from, to := r.next, r.next
	switch r.end {
	case endsTrap:
		e.rw.Trap(r.next, r.trap)
		return
	case endsFetch:
		e.rw.Trap(r.next, rewrite.TrapFetch)
		return
	case endsClosed:
		last := &g.insts[r.last-1]
		if last.Flow != decode.FlowJump {
			return
		}
		// When the jump is left out, a branch to the jump itself still finds a
		// place: the body of its target.
		from, to = last.PC, last.Target
	}
	if to != next || next == 0 {
		e.rw.Short = r.last > r.first && e.short(r.last-1, to)
		e.rw.Jump(from, to)
	}
}

// known reports whether the address of pc's translation is fixed once the
// current region is complete.
func (e *Engine) known(pc uint64) bool {
	return e.enters(pc) != 0 || e.pages.at(pc).translated()
}

// resolveRef makes a branch of the current region reach its target, or an exit
// while there is none.
func (e *Engine) resolveRef(ref rewrite.Ref) {
	g := &e.region
	code := e.space.Code()
	var target uint64
	if i := e.enters(ref.Target); i != 0 {
		target = host.CacheLo + uint64(g.host[i-1])
		if ref.Kind == rewrite.RefShort {
			putRel8(code, ref.Pos, g.host[i-1])
			return
		}
		if ref.Kind == rewrite.RefCall {
			if g.entries[i-1]&entryMade != 0 {
				target -= rewrite.CallEntryLen
			} else {
				target = e.coldCallEntry(ref.Target, target)
			}
		}
	} else if t := e.pages.at(ref.Target); t.translated() {
		target = e.target(ref.Target, t, ref.Kind)
	} else {
		e.addLink(ref)
		return
	}
	putRel32(code, ref.Pos, target)
}

// putRel32 completes a branch that no thread can be executing yet.
func putRel32(code []byte, pos uint32, target uint64) {
	d := uint32(target - (host.CacheLo + uint64(pos) + 4))
	code[pos], code[pos+1], code[pos+2], code[pos+3] = byte(d), byte(d>>8), byte(d>>16), byte(d>>24)
}

// putRel8 completes a short branch to an offset in the code cache.
func putRel8(code []byte, pos, target uint32) {
	d := int32(target - (pos + 1))
	if d != int32(int8(d)) {
		panic("engine: a short branch does not reach its target")
	}
	code[pos] = byte(d)
}

// target is the host address at which a branch of the given kind enters the
// translation t of pc.
func (e *Engine) target(pc uint64, t entry, kind rewrite.RefKind) uint64 {
	switch {
	case kind == rewrite.RefJump:
		return t.host()
	case t&entryCalled != 0:
		return t.host() - rewrite.CallEntryLen
	default:
		return e.coldCallEntry(pc, t.host())
	}
}

func (e *Engine) coldCallEntry(pc, body uint64) uint64 {
	addr, ok := e.calls[pc]
	if !ok {
		addr = e.rw.ColdCallEntry(pc, body)
		e.calls[pc] = addr
	}
	return addr
}

// publish makes a translation visible, and known to the branches that wait.
func (e *Engine) publish(pc uint64, v entry) {
	old := e.pages.set(pc, v)
	if old&entryPending == 0 {
		return
	}
	for i := uint32(old &^ entryPending); i != 0; {
		l := &e.links[i]
		codegen.PatchRel32(e.space.Code(), host.CacheLo, l.pos, e.target(pc, v, l.kind))
		e.stats.Links++
		if e.watcher != nil {
			e.watcher.Linked(e.guestOf(l.pos), pc, l.kind)
		}
		i = l.next
	}
}
