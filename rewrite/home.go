package rewrite

import "cabitrans/decode"

// CanHome reports whether a strategy lets code be executed at its own address: what
// compilers make of thread-local storage must keep its length.
func (f FS) CanHome() bool { return f.Prefix != 0 }

// Home turns code, the bytes of in, into what the host executes at the address where in
// lies, of the same length: nothing changes but a segment prefix and, where the host's
// word is not at 0, a displacement. False for what cannot be executed there: what Inst
// makes an exit or a sequence, far and 16-bit transfers, and whatever names a segment
// base. It mirrors Inst, for a guest that has moved no base.
func (f FS) Home(in *decode.Inst, code []byte) bool {
	if in.Flow == decode.FlowInt {
		return in.Opcode == 0xcc // padding; it ends the guest, as from the code cache
	}
	return homeFlow(in) && homeClass(in) && f.homeSegment(in, code)
}

func homeFlow(in *decode.Inst) bool {
	switch in.Flow {
	case decode.FlowNext, decode.FlowUndefined:
		return true
	case decode.FlowJump, decode.FlowCond, decode.FlowLoop, decode.FlowCall, decode.FlowJumpInd, decode.FlowCallInd,
		decode.FlowRet:
		// With 66 the CPU's vendor decides what they do; no compiler emits it.
		return in.OpSize != 2 && in.Class&decode.ClassVendor == 0
	}
	return false
}

func homeClass(in *decode.Inst) bool {
	const never = decode.ClassPopf | decode.ClassFSBase | decode.ClassPrivileged | decode.ClassIO | decode.ClassSwapGS |
		decode.ClassMustTrap | decode.ClassSegLoad | decode.ClassUINTR | decode.ClassTSX
	switch c := in.Class; {
	case c&never != 0:
		return false
	case c&decode.ClassSegStore != 0:
		return !namesTLS(in)
	}
	return true
}

// homeSegment patches an operand in %fs.
func (f FS) homeSegment(in *decode.Inst, code []byte) bool {
	switch {
	case !in.SegMatters():
		return true
	case in.Seg == decode.SegGS: // the guest's base is 0, the host's is not
		return false
	case f.Prefix == prefixFS:
		return true
	case f.Prefix == 0:
		return false
	}
	r := Rewriter{FS: f}
	if f.Disp != 0 {
		if !r.movable(in) {
			return false
		}
		r.move(in, code)
	}
	code[in.SegOff] = f.Prefix
	return true
}

// Portal emits, in the cold buffer, what a branch at home takes whose target is in the
// code cache: a jump, whose displacement is at offset pos of the cache, and an exit for
// it to reach while there is no translation. The caller completes the jump.
func (r *Rewriter) Portal(target uint64) (pos uint32, exit uint64) {
	r.Cold.AlignRel32(1)
	r.markAt(true, Mark{Guest: uint32(target)})
	r.Cold.Bytes(0xe9)
	pos = uint32(r.Cold.PC() - r.CacheBase)
	r.Cold.U32(0)
	return pos, r.LinkExit(target, RefJump)
}
