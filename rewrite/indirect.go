package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// indirect emits an indirect jump or call. The target is in a register that
// stays as it is, or goes through r11; r11's own value is in Spill[0] until the
// landing.
func (r *Rewriter) indirect(in *decode.Inst, code []byte) {
	if in.OpSize == 2 || in.Prefixes&decode.PrefixOpSize != 0 {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	if in.HasMem && r.Options.MovingBase && in.Seg == decode.SegFS {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	b := r.Hot
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[0], codegen.R11)

	target := codegen.Reg(in.RM())
	if in.HasMem || target == codegen.R11 || target == codegen.RSP {
		switch {
		case in.HasMem:
			r.mark(FixR11, 0)
			r.loadOperand(in, code, codegen.R11)
		case target == codegen.RSP:
			r.mark(FixR11, 0)
			b.Move(codegen.R11, codegen.RSP)
		}
		target = codegen.R11
		r.mark(FixR11, 0)
		b.StoreGS(r.Fields.Spill[1], codegen.R11)
	} else {
		r.mark(FixR11, 0)
		b.Move(codegen.R11, target)
	}
	r.guard()
	if target == codegen.R11 {
		r.mark(FixR11, 0)
		b.LoadGS(codegen.R11, r.Fields.Spill[1])
	}
	if in.Flow == decode.FlowJumpInd {
		r.mark(FixR11|FixTable, 0)
		b.JumpTable(r.Table, target)
		return
	}
	r.mark(FixR11, 0)
	b.PushImm(int32(in.End()))
	r.mark(FixR11, 1)
	b.Call(r.Cold.PC())
	r.markAt(true, Mark{Guest: uint32(in.PC), Fix: FixR11, RSP: 2})
	r.Cold.AddRSP(8)
	r.markAt(true, Mark{Guest: uint32(in.PC), Fix: FixR11 | FixTable, RSP: 1})
	r.Cold.JumpTable(r.Table, target)
}

// guard faults unless the upper half of r11 is zero, and destroys r11: swapped
// bytes put that half below, and its complement indexes the guard page.
func (r *Rewriter) guard() {
	b := r.Hot
	r.mark(FixR11, 0)
	b.ByteSwap(codegen.R11)
	r.mark(FixR11, 0)
	b.MoveSelf32(codegen.R11)
	r.mark(FixR11, 0)
	b.Not(codegen.R11)
	r.mark(FixR11|FixGuard, 0)
	b.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
}

// loadOperand emits mov mem, %dst (64 bits) for the memory operand of in.
func (r *Rewriter) loadOperand(in *decode.Inst, code []byte, dst codegen.Reg) {
	b := r.Hot
	if in.Seg == decode.SegFS {
		b.Bytes(0x65)
		r.FSRewritten++
	}
	if in.AddrSize == 4 {
		b.Bytes(0x67)
	}
	rex := 0x48 | in.Rex&(decode.RexX|decode.RexB) | byte(dst>>3)<<2
	b.Bytes(rex, 0x8b, in.ModRM&^0x38|byte(dst&7)<<3)
	if in.RIPRel() {
		b.Rel32(in.End() + uint64(in.Disp))
		return
	}
	// SIB and displacement follow ModRM; nothing follows them in FF /2 and /4.
	b.Copy(code[in.ModRMOff+1 : in.Len])
}
