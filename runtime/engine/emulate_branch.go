package engine

import (
	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// nearBranch emulates a near return, call or indirect jump: one of AMD's with 16-bit
// operands, or one through memory in a segment with a base of its own.
func (t *Thread) nearBranch(in *decode.Inst) *Fault {
	b := t.block
	before := b.Regs[decode.RSP]
	target, f := in.Target, (*Fault)(nil)
	switch {
	case in.Flow == decode.FlowRet:
		target, f = t.pop(in.OpSize)
		if in.ImmLen == 2 {
			b.Regs[decode.RSP] += uint64(uint16(in.Imm))
		}
	case in.Flow == decode.FlowCall:
	case in.HasMem:
		target, f = t.loadIn(t.address(in), uint64(in.OpSize), inStack(in))
	default:
		target = t.register(in.RM(), in.OpSize)
	}
	if f == nil && !canonical(target) {
		f = t.fault(SigSEGV)
	}
	call := in.Flow == decode.FlowCall || in.Flow == decode.FlowCallInd
	if f == nil && call {
		f = t.push(in.End(), in.OpSize)
	}
	if f != nil {
		f.Regs[decode.RSP], b.Regs[decode.RSP] = before, before
		return f
	}
	return t.toTarget(target, call)
}

// Bits of a segment's access rights.
const (
	rightsWrite = 1 << 9  // of data; of code: readable
	rightsCode  = 1 << 11 // otherwise data
	rightsUser  = 1 << 12 // neither a gate nor the kernel's
	rightsDPL   = 3 << 13
	rightsLong  = 1 << 21
	rightsKnown = rightsUser | rightsDPL
	selectorRPL = 3
	codeNote    = "the translator runs 64-bit code only"
)

// codeSelector is the fault of loading sel into CS by a far transfer: nil for 64-bit
// code of a process, the only kind that can go on.
func (t *Thread) codeSelector(sel uint64) *Fault {
	rights, ok := host.SegmentRights(uint16(sel))
	if sel&0xfffc == 0 || !ok || rights&(rightsKnown|rightsCode) != rightsKnown|rightsCode {
		return t.fault(SigSEGV)
	}
	if rights&rightsLong == 0 {
		f := t.fault(SigILL)
		f.Note = codeNote
		return f
	}
	return nil
}

// farTransfer emulates far jumps, calls and returns, and iret. To the segment that a
// process is in anyway they are near ones with more on the stack; everything else
// faults as it does on the CPU.
func (t *Thread) farTransfer(in *decode.Inst) *Fault {
	b := t.block
	regs := b.Regs
	var next uint64
	var f *Fault
	switch {
	case in.Opcode == 0xcf:
		var trace bool
		if next, trace, f = t.iret(in); f == nil && trace {
			return t.traceNext(next)
		}
	case in.HasMem:
		next, f = t.farMemory(in)
	default:
		next, f = t.farReturn(in)
	}
	if f == nil && !canonical(next) {
		f = t.fault(SigSEGV)
	}
	if f != nil { // nothing has happened
		b.Regs, f.Regs = regs, regs
		return f
	}
	return t.toCode(next, false)
}

// farMemory is a far jump or call through memory.
func (t *Thread) farMemory(in *decode.Inst) (next uint64, f *Fault) {
	size := farSize(in)
	addr := t.address(in)
	if next, f = t.loadIn(addr, uint64(size), inStack(in)); f != nil {
		return 0, f
	}
	sel, f := t.loadIn(addr+uint64(size), 2, inStack(in))
	if f == nil {
		f = t.codeSelector(sel)
	}
	if f == nil && !canonical(next) {
		f = t.fault(SigSEGV)
	}
	if f == nil && in.Reg3() == 3 {
		cs, _ := host.Selectors()
		if f = t.push(uint64(cs), size); f == nil {
			f = t.push(in.End(), size)
		}
	}
	return next, f
}

// farSize is the size of a far pointer's offset: AMD's CPUs have none of 8 bytes.
func farSize(in *decode.Inst) uint8 {
	if in.OpSize == 8 && vendorOf(host.CPUVendor()) == decode.VendorAMD {
		return 4
	}
	return in.OpSize
}

func (t *Thread) farReturn(in *decode.Inst) (next uint64, f *Fault) {
	if next, f = t.pop(in.OpSize); f != nil {
		return 0, f
	}
	sel, f := t.pop(in.OpSize)
	if f == nil {
		f = t.returnSelector(sel)
	}
	if in.ImmLen == 2 {
		t.block.Regs[decode.RSP] += uint64(uint16(in.Imm))
	}
	return next, f
}

// returnSelector is codeSelector for a return, which may not raise the privilege.
func (t *Thread) returnSelector(sel uint64) *Fault {
	if sel&selectorRPL != selectorRPL {
		return t.fault(SigSEGV)
	}
	return t.codeSelector(sel)
}

// iret returns to its caller what is left to do; trace tells that TF is to be set.
func (t *Thread) iret(in *decode.Inst) (next uint64, trace bool, f *Fault) {
	var v [5]uint64 // rip, cs, flags, rsp, ss
	for i := range v {
		if v[i], f = t.pop(in.OpSize); f != nil {
			return 0, false, f
		}
	}
	if f = t.returnSelector(v[1]); f != nil {
		return 0, false, f
	}
	rights, ok := host.SegmentRights(uint16(v[4]))
	const data = rightsKnown | rightsWrite
	if v[4]&selectorRPL != selectorRPL || !ok || rights&(data|rightsCode) != data || !canonical(v[0]) {
		return 0, false, t.fault(SigSEGV)
	}
	t.setFlags(v[2], in.OpSize)
	t.block.Regs[decode.RSP] = v[3]
	return v[0], v[2]&flagTF != 0, nil
}

// setFlags is what popf and iret do in a process.
func (t *Thread) setFlags(v uint64, size uint8) {
	b := t.block
	mask := popfMask & sizeMask(size)
	b.Flags = b.Flags&^mask | v&mask
}
