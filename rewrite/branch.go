package rewrite

import (
	"encoding/binary"

	"cabitrans/codegen"
	"cabitrans/decode"
)

// Jump emits a jump from guest address pc to target.
func (r *Rewriter) Jump(pc, target uint64) {
	r.pc = pc
	if r.Short {
		r.short(target, 0xeb)
		return
	}
	r.branch(RefJump, target, 1, 0, 0, 0xe9)
}

// branch emits a branch opcode and the displacement of a Ref, aligned when the
// branch may be patched while it runs. The branch instruction itself gets the
// given mark; no-operations before it belong to the boundary as well.
func (r *Rewriter) branch(kind RefKind, target uint64, oplen int, fix Fix, rsp int8, opcode ...byte) {
	r.mark(fix, rsp)
	if !r.Known(target) {
		r.Hot.AlignRel32(oplen)
	}
	r.Hot.Bytes(opcode...)
	r.Refs = append(r.Refs, Ref{Pos: uint32(r.Hot.PC() - r.CacheBase), Target: target, Kind: kind})
	r.Hot.U32(0)
}

// short emits a branch with a displacement of one byte.
func (r *Rewriter) short(target uint64, opcode byte) {
	r.Short = false
	r.mark(0, 0)
	r.Hot.Bytes(opcode)
	r.Refs = append(r.Refs, Ref{Pos: uint32(r.Hot.PC() - r.CacheBase), Target: target, Kind: RefShort})
	r.Hot.Bytes(0)
}

func (r *Rewriter) cond(in *decode.Inst) {
	if r.Short {
		r.short(in.Target, 0x70|in.Opcode&0x0f)
		return
	}
	r.branch(RefJump, in.Target, 2, 0, 0, 0x0f, 0x80|in.Opcode&0x0f)
}

// loop emits loop, loope, loopne, jrcxz or jecxz, which exist only with a short
// displacement: the taken side hops over a jump to the other side.
func (r *Rewriter) loop(in *decode.Inst, code []byte) {
	r.mark(0, 0)
	if in.AddrSize == 4 {
		r.Hot.Bytes(0x67)
	}
	// Behind the loop instruction rcx has been counted down: the boundary is the
	// next instruction on one side, the target on the other.
	r.Hot.Bytes(in.Opcode, 2)
	r.pc = in.End()
	r.mark(0, 0)
	short := r.Hot.Len() + 1
	r.Hot.Bytes(0xeb, 0)
	r.pc = in.Target
	r.branch(RefJump, in.Target, 1, 0, 0, 0xe9)
	r.Hot.Code(short)[0] = byte(r.Hot.Len() - short - 1)
}

// directCall pushes the guest's return address and makes a hardware call: the callee's
// call entry drops what the call itself pushes.
func (r *Rewriter) directCall(in *decode.Inst) {
	if in.OpSize == 2 { // AMD's CPUs push two bytes
		r.Trap(in.PC, TrapFar)
		return
	}
	r.mark(0, 0)
	r.Hot.PushImm(int32(in.End()))
	if r.Options.Strict {
		r.Jump(in.Target, in.Target) // the guest has called already
		return
	}
	r.branch(RefCall, in.Target, 1, 0, 1, 0xe8)
}

// CallEntry emits the entry for direct calls to guest address pc: it drops the
// slot that the hardware call has pushed. The body must follow.
func (r *Rewriter) CallEntry(pc uint64) {
	r.pc = pc
	r.mark(0, 1)
	r.Hot.AddRSP(8)
}

// AlignLike pads so that what comes next lies where it lies in the guest, modulo
// n: compilers place loops and functions with care, and the CPU rewards it. before
// bytes will precede it.
func (r *Rewriter) AlignLike(pc uint64, n, before int) {
	r.pc = pc
	r.mark(0, 0)
	r.Hot.AlignTo(n, pc-uint64(before))
}

// CallEntryLen is the number of bytes of a CallEntry.
const CallEntryLen = 5

// ColdCallEntry emits a call entry that lies apart from the body and returns its
// host address.
func (r *Rewriter) ColdCallEntry(pc, body uint64) uint64 {
	addr := r.Cold.PC()
	r.markAt(true, Mark{Guest: uint32(pc), RSP: 1})
	r.Cold.AddRSP(8)
	r.markAt(true, Mark{Guest: uint32(pc)})
	r.Cold.Jump(body)
	return addr
}

// LinkExit emits, in the cold buffer, the exit that a branch without translated
// target takes, and returns its host address. The target comes back as RIP, the
// kind as ExitArg.
func (r *Rewriter) LinkExit(target uint64, kind RefKind) uint64 {
	addr := r.Cold.PC()
	if kind == RefCall {
		r.markAt(true, Mark{Guest: uint32(target), RSP: 1})
		r.Cold.AddRSP(8)
	}
	r.markAt(true, Mark{Guest: uint32(target)})
	r.Cold.StoreImmGS32(r.Fields.ExitArg, uint32(kind))
	r.markAt(true, Mark{Guest: uint32(target)})
	r.Cold.StoreImmGS32(r.Fields.RIP, uint32(target))
	r.markAt(true, Mark{Guest: uint32(target)})
	r.Cold.StoreImmGS32(r.Fields.RIP+4, uint32(target>>32))
	r.markAt(true, Mark{Guest: uint32(target)})
	r.Cold.Jump(r.Stubs.ExitLink)
	return addr
}

// ReturnLanding emits what stands at the landing of a return, right behind the
// hardware call, for guest address pc.
func (r *Rewriter) ReturnLanding(pc uint64) {
	if !r.Options.KeepR11 {
		return
	}
	r.pc = pc
	r.mark(FixR11, 0)
	r.Hot.LoadGS(codegen.R11, r.Fields.Spill[0])
}

// Reload emits the load of r11's own value for guest address pc: it is in Spill[0].
func (r *Rewriter) Reload(pc uint64) {
	r.pc, r.Away = pc, false
	r.restore()
}

// Side emits a condition that leads to an exit whose place PutSide is told, and returns
// where its displacement is, as an offset in the hot buffer.
func (r *Rewriter) Side(in *decode.Inst) int {
	r.pc = in.PC
	r.mark(0, 0)
	r.Hot.Bytes(0x0f, 0x80|in.Opcode&0x0f)
	r.Hot.U32(0)
	return r.Hot.Len() - 4
}

// PutSide makes the condition whose displacement is at lead to what is emitted next.
func (r *Rewriter) PutSide(at int) {
	binary.LittleEndian.PutUint32(r.Hot.Code(at), uint32(r.Hot.Len()-at-4))
}

// ColdLanding emits a landing for returns to pc that lies apart from the body and
// returns its host address. Only KeepR11 needs one.
func (r *Rewriter) ColdLanding(pc, body uint64) uint64 {
	addr := r.Cold.PC()
	r.markAt(true, Mark{Guest: uint32(pc), Fix: FixR11})
	r.Cold.LoadGS(codegen.R11, r.Fields.Spill[0])
	r.markAt(true, Mark{Guest: uint32(pc)})
	r.Cold.Jump(body)
	return addr
}

// Return emits a return at guest address pc that also drops pop bytes of
// arguments.
func (r *Rewriter) Return(pc uint64, pop int32) {
	r.pc = pc
	if r.Options.Strict {
		r.strictReturn(pop)
		return
	}
	if !r.Options.KeepR11 && r.Without&WithoutFlags == 0 {
		r.looseReturn(pop)
		return
	}
	kept := Fix(0)
	if r.Options.KeepR11 {
		r.mark(0, 0)
		r.Hot.StoreGS(r.Fields.Spill[0], codegen.R11)
		kept = FixR11
	}
	r.mark(kept, 0)
	r.Hot.LoadStack32(codegen.R11, 4)
	r.mark(kept, 0)
	r.Hot.Not(codegen.R11)
	r.mark(kept|FixGuard, 0)
	r.Hot.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
	r.mark(kept, 0)
	r.Hot.Pop(codegen.R11)
	if pop != 0 {
		r.mark(kept, -1)
		r.Hot.AddRSP(pop)
	}
	// From here on the guest has returned, and r11 is all that says whither.
	// KeepR11's value stays in Spill[0]; the landing reloads it.
	table, kept := r.returnIndex(kept | FixPC)
	r.mark(kept|FixTable, 0)
	r.Hot.PushTable(table, codegen.R11)
	r.mark(kept, 1)
	r.Hot.Return()
}

// looseReturn is a Return that proves its target by a comparison, which is half as long:
// r11 and the flags are dead. Until the proof the way leads back to before the return.
func (r *Rewriter) looseReturn(pop int32) {
	b := r.Hot
	r.mark(0, 0)
	b.Pop(codegen.R11)
	r.mark(0, -1)
	b.TestUpper(codegen.R11)
	r.mark(0, -1)
	b.JumpCondShort(codegen.CondNE)
	wild := b.Len()
	if pop != 0 {
		r.mark(0, -1)
		b.AddRSP(pop)
	}
	table, fix := r.returnIndex(FixPC)
	r.mark(fix|FixTable, 0)
	b.PushTable(table, codegen.R11)
	r.mark(fix, 1)
	b.Return()
	b.PutRel8(wild)
	r.mark(FixGuard, -1)
	b.Trap()
}

// returnIndex makes the guest address in r11, whither the guest has returned, the index
// of its landing. It returns the displacement that goes with it, and what becomes of fix.
func (r *Rewriter) returnIndex(fix Fix) (disp int32, after Fix) {
	if !r.packed() {
		return r.Table, fix
	}
	r.mark(fix, 0)
	r.Hot.TripleLea(codegen.R11, r.Packed.Lea)
	return r.Packed.Disp + PackedReturn, fix | FixIndex
}

// strictReturn is Return without a hardware return, which needs a slot below rsp.
func (r *Rewriter) strictReturn(pop int32) {
	b := r.Hot
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[0], codegen.R11)
	r.mark(FixR11, 0)
	b.LoadStack32(codegen.R11, 4)
	r.mark(FixR11, 0)
	b.Not(codegen.R11)
	r.mark(FixR11|FixGuard, 0)
	b.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
	r.mark(FixR11, 0)
	b.LoadStack32(codegen.R11, 0)
	r.mark(FixR11, 0)
	b.StoreGS(r.Fields.Spill[2], codegen.R11)
	table := r.Table
	if r.packed() {
		r.mark(FixR11, 0)
		b.TripleLea(codegen.R11, r.Packed.Lea)
		table = r.Packed.Disp + PackedJump
	}
	r.mark(FixR11|FixTable, 0)
	b.LoadTable(codegen.R11, table, codegen.R11)
	r.mark(FixR11, 0)
	b.StoreGS(r.Fields.Spill[1], codegen.R11)
	r.restore()
	r.mark(0, 0)
	b.AddRSP(8 + pop)
	r.mark(FixSlotPC, 0)
	b.JumpGS(r.Fields.Spill[1])
}

func (r *Rewriter) ret(in *decode.Inst) {
	if in.OpSize == 2 {
		r.Trap(in.PC, TrapFar)
		return
	}
	r.Return(in.PC, dropped(in))
}

// dropped is how many bytes of arguments the return in drops.
func dropped(in *decode.Inst) int32 {
	if in.ImmLen == 2 {
		return int32(uint16(in.Imm))
	}
	return 0
}
