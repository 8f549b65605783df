package engine

import (
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// The guest's %fs and %gs: it may read and write their bases, as on every kernel since
// user space got the instructions for it (FSGSBASE), and load selectors into them. It
// begins, as a process does, with null selectors, %fs at its thread's word and %gs at
// 0. Loading any selector makes the base 0.

// segmentBase emulates rdfsbase, rdgsbase, wrfsbase and wrgsbase (0F AE /0 to /3).
func (t *Thread) segmentBase(in *decode.Inst) *Fault {
	b := t.block
	reg := in.RM()
	v := t.register(reg, in.OpSize)
	switch in.Reg3() {
	case 0:
		t.setReg(reg, in.OpSize, b.FSBase)
	case 1:
		t.setReg(reg, in.OpSize, b.Spill[rewrite.GSBaseSpill])
	case 2:
		if !canonical(v) {
			return t.fault(SigSEGV)
		}
		t.engine.MoveBase(b, v)
	case 3:
		if !canonical(v) {
			return t.fault(SigSEGV)
		}
		t.engine.moveGS(b, v)
	}
	return nil
}

// moveGS sets the guest's %gs base. The first one that is not 0 switches the process
// to translations that add it.
func (e *Engine) moveGS(b *host.Block, addr uint64) {
	b.Spill[rewrite.GSBaseSpill] = addr
	if addr == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.rw.Options
	o.MovingGS = true
	e.setOptions(o)
}

// segmentRegister emulates loads and stores of %fs and %gs. A null selector, or one of
// a segment that the process may read, is loaded; others are #GP.
func (t *Thread) segmentRegister(in *decode.Inst) *Fault {
	if in.Class&decode.ClassSegStore != 0 {
		return t.storeSelector(in)
	}
	regs := t.block.Regs
	sel, far, f := uint64(0), uint64(0), (*Fault)(nil)
	size := in.OpSize
	switch {
	case in.OpMap == 0 && !in.HasMem:
		sel = t.register(in.RM(), 2)
	case in.OpMap == 0:
		sel, f = t.loadIn(t.address(in), 2, inStack(in))
	case in.HasMem: // lfs, lgs
		size = farSize(in)
		addr := t.address(in)
		if far, f = t.loadIn(addr, uint64(size), inStack(in)); f == nil {
			sel, f = t.loadIn(addr+uint64(size), 2, inStack(in))
		}
	default:
		sel, f = t.pop(size)
		sel &= 0xffff
	}
	if f == nil && sel&0xfffc != 0 {
		rights, ok := host.SegmentRights(uint16(sel))
		if !ok || rights&rightsKnown != rightsKnown || rights&rightsCode != 0 && rights&rightsWrite == 0 {
			f = t.fault(SigSEGV)
		}
	}
	if f != nil {
		t.block.Regs, f.Regs = regs, regs
		return f
	}
	if in.OpMap == 1 && in.HasMem {
		t.setReg(in.Reg(), size, far)
	}
	if segmentOf(in) == decode.SegFS {
		t.block.Selectors[0] = uint16(sel)
		t.engine.MoveBase(t.block, 0)
	} else {
		t.block.Selectors[1] = uint16(sel)
		t.engine.moveGS(t.block, 0)
	}
	return nil
}

func (t *Thread) storeSelector(in *decode.Inst) *Fault {
	sel := uint64(t.block.Selectors[1])
	if segmentOf(in) == decode.SegFS {
		sel = uint64(t.block.Selectors[0])
	}
	switch {
	case in.OpMap == 1:
		return t.push(sel, in.OpSize)
	case in.HasMem:
		return t.storeIn(t.address(in), sel, 2, inStack(in))
	}
	t.setReg(in.RM(), in.OpSize, sel)
	return nil
}

// segmentOf is which of %fs and %gs an instruction names.
func segmentOf(in *decode.Inst) decode.Seg {
	fs := in.Reg3() == 4
	if in.OpMap == 1 {
		fs = in.Opcode == 0xa0 || in.Opcode == 0xa1 || in.Opcode == 0xb4
	}
	if fs {
		return decode.SegFS
	}
	return decode.SegGS
}
