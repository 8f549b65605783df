package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// A call of a short function that makes no call itself may be translated to a copy of the
// function, without a call or return of the host's: the return address is pushed as ever,
// and each instruction of the copy has marks of its own.

// LeafCall emits what a call leaves on the stack; the function's instructions must follow.
func (r *Rewriter) LeafCall(in *decode.Inst) {
	r.pc = in.PC
	r.mark(0, 0)
	r.Hot.PushImm(int32(in.End()))
}

// LeafBranch emits a jump or condition forward in the copy, by no more than 127 bytes, and
// returns the end of it for codegen.Buffer.PutRel8.
func (r *Rewriter) LeafBranch(in *decode.Inst) (end int) {
	r.pc = in.PC
	r.mark(0, 0)
	if in.Flow == decode.FlowCond {
		r.Hot.Bytes(0x70|in.Opcode&0x0f, 0)
	} else {
		r.Hot.Bytes(0xeb, 0)
	}
	return r.Hot.Len()
}

// LeafReturn emits the copy of a return that leads behind the call, to back. With check it
// leads elsewhere if the copy may have changed the return address, which costs the flags:
// wild is for LeafWild, and 0 without.
func (r *Rewriter) LeafReturn(in *decode.Inst, back uint64, check bool) (wild int) {
	b := r.Hot
	r.pc = in.PC
	if check {
		r.mark(0, 0)
		b.CompareStack(int32(back))
		r.mark(0, 0)
		b.Bytes(0x0f, 0x80|byte(codegen.CondNE))
		b.U32(0)
		wild = b.Len()
	}
	r.mark(0, 0)
	b.AddRSP(8 + dropped(in))
	return wild
}

// LeafLeave emits a jump behind the call, to guest address back, from a return that is not
// the copy's end. end is for codegen.Buffer.PutRel8.
func (r *Rewriter) LeafLeave(back uint64) (end int) {
	r.pc = back
	r.mark(0, 0)
	r.Hot.Bytes(0xeb, 0)
	return r.Hot.Len()
}

// LeafWild emits where LeafReturn's check leads if the return at pc has another target: a
// fault, upon which the runtime carries out the return.
func (r *Rewriter) LeafWild(pc uint64, wild int) {
	r.pc = pc
	r.mark(FixGuard, 0)
	r.PutSide(wild - 4)
	r.Hot.Trap()
}

// Bounds in bytes on what is emitted for a copy beside its instructions.
const (
	MaxLeafCall   = 5
	MaxLeafReturn = 8 + 6 + 8 + 2
	MaxLeafWild   = 2
)

// LosesFlags reports whether returns may change the flags.
func (r *Rewriter) LosesFlags() bool { return !r.Options.KeepR11 && r.Without&WithoutFlags == 0 }

// LeafEnd emits the return of a copy that hardware calls enter: with what the call has
// pushed it drops the guest's return address, which the copy has not changed.
func (r *Rewriter) LeafEnd(in *decode.Inst) {
	r.pc = in.PC
	r.mark(0, 0)
	n := 8 + dropped(in)
	r.Hot.Bytes(0xc2, byte(n), byte(n>>8))
}
