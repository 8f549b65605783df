package engine

import (
	"bytes"
	"slices"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// A leaf is a short function that makes no call: an accessor, say. A direct call of one is
// translated to a copy of it, and the call's way through the code cache and back is saved.
// The return address is on the stack as ever, so wherever a thread leaves the copy, its state
// is that in the function, and it goes on in the function's own translation, which returns
// through the look-up table. A copy that may have written to memory compares the return
// address before it goes on behind the call. One that writes nothing does not: only another
// thread could have changed it, and a guest cannot tell whether it did so in time.

const (
	maxLeafInsts = 16
	maxLeafBytes = 64
	// maxLeafCode bounds the bytes that a copy's instructions are translated to, so that short
	// branches reach, and rewrite.MaxEmit is kept.
	maxLeafCode = 110
	// maxLeafDrop bounds what a return drops of the stack: a copy's may drop 8 bytes more (leafEntry).
	maxLeafDrop = 1<<16 - 1 - 8
)

// A leaf belongs to the region that is being translated.
type leaf struct {
	pc          uint64
	first, last int // instructions [first, last) of region.leafInsts
	code        [maxLeafBytes]byte
	stores      bool   // may write to memory
	stack       bool   // names rsp
	bound       uint32 // of what a call of it is translated to
}

// A wild is a return in a copy whose target is not that of the call.
type wild struct {
	at int // see rewrite.LeafWild
	pc uint64
}

// findLeaves finds the leaves that the region's instructions call.
func (e *Engine) findLeaves() {
	g := &e.region
	g.leaves, g.leafInsts, g.wilds = g.leaves[:0], g.leafInsts[:0], g.wilds[:0]
	g.leafOf = slices.Grow(g.leafOf[:0], len(g.insts))[:len(g.insts)]
	clear(g.leafOf)
	if g.alone || e.blocks != nil || e.rw.Without&rewrite.WithoutLeaves != 0 {
		return
	}
	for i := range g.insts {
		if in := &g.insts[i]; in.Flow == decode.FlowCall && in.OpSize != 2 {
			g.leafOf[i] = uint16(e.leafAt(in.Target))
		}
	}
}

// leaf is what instruction k of the region calls, if that is one, or nil.
func (g *region) leaf(k int) *leaf {
	if n := g.leafOf[k]; n != 0 {
		return &g.leaves[n-1]
	}
	return nil
}

// leafAt is 1 + the number of the leaf at pc, or 0.
func (e *Engine) leafAt(pc uint64) int {
	g := &e.region
	for i := range g.leaves {
		if g.leaves[i].pc == pc {
			return i + 1
		}
	}
	l, n := leaf{pc: pc}, len(g.leafInsts)
	code := e.peek(pc, &l)
	if len(code) == 0 || framed(code) || !mayReturn(code) || !e.scanLeaf(code, &l) {
		g.leafInsts = g.leafInsts[:n]
		return 0
	}
	// From now on no change of it goes unnoticed; one before may have.
	e.mem.MarkTranslated(pc&^(host.PageSize-1), (pc+uint64(len(code))+host.PageSize-1)&^(host.PageSize-1))
	before := l.code
	if again := e.peek(pc, &l); len(again) != len(code) || before != l.code {
		g.leafInsts = g.leafInsts[:n]
		return 0
	}
	g.leaves = append(g.leaves, l)
	return len(g.leaves)
}

// peek reads the code at pc into l, without marking it as translated.
func (e *Engine) peek(pc uint64, l *leaf) []byte {
	if _, vdso := e.vdso.call(pc); vdso || !inArena(pc) {
		return nil
	}
	n, _ := e.mem.Fetch(pc, l.code[:])
	return l.code[:n]
}

// framed reports whether code begins as functions do that make calls, most of them: by
// saving a register or making room on the stack. It saves the look at the rest.
func framed(code []byte) bool {
	at := func(i int, c ...byte) bool { return len(code) >= i+len(c) && slices.Equal(code[i:i+len(c)], c) }
	switch {
	case at(0, 0x55): // push %rbp
		return !at(1, 0x48, 0x89, 0xe5)
	case at(0, 0x41):
		return len(code) > 1 && code[1]&0xf8 == 0x50
	}
	return code[0] == 0x50 || code[0] == 0x53 || at(0, 0x48, 0x83, 0xec) || at(0, 0x48, 0x81, 0xec)
}

// mayReturn reports whether code has a byte that may be a return's: most functions are longer than a leaf.
func mayReturn(code []byte) bool {
	return bytes.IndexByte(code, 0xc3) >= 0 || bytes.IndexByte(code, 0xc2) >= 0
}

// scanLeaf appends the instructions of the function l, whose code begins with code, to
// the region's; false if it is no leaf.
func (e *Engine) scanLeaf(code []byte, l *leaf) bool {
	g := &e.region
	l.first = len(g.leafInsts)
	l.bound = rewrite.MaxLeafCall
	body, reach := uint32(0), uint64(0) // the furthest target of a branch in it
	depth := 0                          // 8-byte slots that it has pushed
	for at := 0; len(g.leafInsts)-l.first < maxLeafInsts && at < len(code); {
		g.leafInsts = append(g.leafInsts, decode.Inst{})
		in := &g.leafInsts[len(g.leafInsts)-1]
		if in.Decode(code[at:], l.pc+uint64(at)) != nil || e.breaks[in.PC] {
			return false
		}
		if in.LoadsMXCSR() {
			e.controlMXCSR()
		}
		at += int(in.Len)
		switch in.Flow {
		case decode.FlowRet:
			if in.OpSize == 2 || depth != 0 || uint16(in.Imm) > maxLeafDrop {
				return false
			}
			l.bound += rewrite.MaxLeafReturn
			if reach < in.End() {
				l.last = len(g.leafInsts)
				l.bound += body
				return g.leafBranchesFit(l)
			}
		case decode.FlowCond, decode.FlowJump:
			if in.Target < in.End() || depth != 0 {
				return false
			}
			reach = max(reach, in.Target)
			body += 2
		case decode.FlowNext:
			d, ok := leafDepth(in)
			if depth += d; !ok || depth < 0 || d != 0 && reach > in.PC {
				return false
			}
			l.stack = l.stack || in.Reads.Has(decode.RSP)
			l.stores = l.stores || !loadsOnly(in) && d == 0
			body += e.rw.Bound(in)
		default:
			return false
		}
		if body > maxLeafCode || l.stores && !e.rw.LosesFlags() {
			return false
		}
	}
	return false
}

// leafBranchesFit reports whether every branch in l leads to one of its instructions.
func (g *region) leafBranchesFit(l *leaf) bool {
	insts := g.leafInsts[l.first:l.last]
	for i := range insts {
		in := &insts[i]
		if (in.Flow == decode.FlowCond || in.Flow == decode.FlowJump) &&
			!slices.ContainsFunc(insts, func(to decode.Inst) bool { return to.PC == in.Target }) {
			return false
		}
	}
	return true
}

// leafDepth is by how many slots in, which falls through, moves rsp; false for what no
// leaf contains.
func leafDepth(in *decode.Inst) (slots int, ok bool) {
	const never = decode.ClassPrivileged | decode.ClassIO | decode.ClassSegLoad | decode.ClassSegStore | decode.ClassFSBase |
		decode.ClassSwapGS | decode.ClassPopf | decode.ClassPushf | decode.ClassString | decode.ClassVSIB | decode.ClassMustTrap |
		decode.ClassCET | decode.ClassImplicitSeg | decode.ClassState | decode.ClassTSX | decode.ClassAMX | decode.ClassUINTR |
		decode.ClassKL
	switch {
	case in.Class&never != 0:
		return 0, false
	case in.Class&decode.ClassStackImplicit == 0:
		return 0, !in.Writes.Has(decode.RSP)
	case in.Enc != decode.EncLegacy || in.OpMap != 0 || in.OpSize != 8 || in.Opcode == 0x5c:
		return 0, false
	case in.Opcode&0xf8 == 0x50:
		return 1, true
	case in.Opcode&0xf8 == 0x58:
		return -1, true
	}
	return 0, false
}

// loadsOnly reports whether in, which leafDepth allows, is sure not to write to memory: for
// the instructions that accessors consist of.
func loadsOnly(in *decode.Inst) bool {
	switch {
	case !in.HasMem && !in.Moffs, in.Class&decode.ClassAddrOnly != 0:
		return true
	case in.Enc != decode.EncLegacy:
		return false
	case in.OpMap == 0 && in.Opcode < 0x38: // arithmetic to a register
		return in.Opcode&6 == 2
	}
	switch op := in.Opcode; in.OpMap {
	case 0:
		return op < 0x40 || op == 0x63 || op == 0x69 || op == 0x6b || op == 0x84 || op == 0x85 || op == 0x8a || op == 0x8b ||
			op == 0xa0 || op == 0xa1 || (op == 0x80 || op == 0x81 || op == 0x83) && in.Reg3() == 7 ||
			(op == 0xf6 || op == 0xf7) && in.Reg3() == 0
	case 1:
		return op == 0x10 || op == 0x28 || op == 0x2e || op == 0x2f || op == 0x6e || op == 0x6f || op&0xf0 == 0x40 ||
			op >= 0x51 && op < 0x60 || op == 0xaf || op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf
	}
	return false
}

// emitLeaf lays down a copy of l in place of the call in. What follows becomes a landing at
// once, as behind other calls: setjmp is a leaf, and were the jump back to it to miss first,
// the CPU would predict that jump by its history from then on, as one with two targets.
func (e *Engine) emitLeaf(in *decode.Inst, l *leaf) {
	e.rw.LeafCall(in)
	e.copyLeaf(l, in.End())
	if !e.rw.Options.KeepR11 { // a jump leaves r11 in Spill[0]
		e.region.rets = append(e.region.rets, landing{in.End(), e.offset()})
	}
	e.stats.Leaves++
}

// copyLeaf lays down the instructions of l. Its returns lead to what follows, guest address
// back; with 0 they are those of a function that a hardware call has entered.
func (e *Engine) copyLeaf(l *leaf, back uint64) {
	g, r := &e.region, &e.rw
	type side struct {
		end int
		to  uint64
	}
	var room [maxLeafInsts]side
	sides := room[:0]
	arrive := func(pc uint64) {
		for _, s := range sides {
			if s.to == pc {
				r.Hot.PutRel8(s.end)
			}
		}
	}
	insts := g.leafInsts[l.first:l.last]
	for i := range insts {
		in := &insts[i]
		arrive(in.PC)
		switch {
		case in.Flow == decode.FlowCond || in.Flow == decode.FlowJump:
			sides = append(sides, side{r.LeafBranch(in), in.Target})
		case in.Flow == decode.FlowNext:
			r.Inst(in, l.code[in.PC-l.pc:])
		case back == 0:
			r.LeafEnd(in)
		default:
			if at := r.LeafReturn(in, back, l.stores); at != 0 {
				g.wilds = append(g.wilds, wild{at, in.PC})
			}
			if i+1 < len(insts) {
				sides = append(sides, side{r.LeafLeave(back), back})
			}
		}
	}
	arrive(back)
	e.stats.Instructions += uint64(len(insts))
	e.stats.GuestBytes += insts[len(insts)-1].End() - l.pc
}

// leafEntry returns the host address of a call entry of the function at pc that is a copy of
// it: what the hardware call has pushed stays, and the copy ends with a hardware return that
// drops the guest's return address as well. 0 if the function is none that can be copied so:
// it must not name rsp, nor write to memory, since what it writes could be the host's
// return address.
func (e *Engine) leafEntry(pc uint64) uint64 {
	if e.rw.Options.KeepR11 || e.rw.Without&rewrite.WithoutLeaves != 0 || e.watcher != nil || e.blocks != nil || packed ||
		e.rw.Hot.Room() < minRoom {
		return 0
	}
	g, r := &e.region, &e.rw
	g.begin(pc)
	g.leaves, g.leafInsts = g.leaves[:0], g.leafInsts[:0]
	n := e.leafAt(pc)
	if n == 0 {
		return 0
	}
	l := &g.leaves[n-1]
	if l.stack || l.stores {
		return 0
	}
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	start := r.Hot.Len()
	r.AlignLike(pc, layoutUnit, 0)
	addr := r.Hot.PC()
	r.Below = 1
	e.copyLeaf(l, 0)
	r.Below = 0
	e.stats.HostBytes += uint64(r.Hot.Len() - start)
	return addr
}
