package rewrite

import (
	"bytes"
	"encoding/binary"

	"cabitrans/codegen"
	"cabitrans/decode"
)

// GSBaseSpill is the one of Fields.Spill that is no spill but holds the guest's %gs
// base, once it is not 0.
const GSBaseSpill = 4

// Fields are the places a Rewriter's code uses in the thread block, as distances
// in bytes from the %gs base.
type Fields struct {
	Spill   [5]int32
	FSBase  int32
	RIP     int32
	ExitArg int32

	// Block is the cell that holds the thread block's address, 0 if the %gs base is that. Counters is the distance in
	// bytes from the block of the field that holds the address of the thread's counters.
	Block    int32
	Counters int32
}

// Calls says how an indirect call finds the table of call entries. Its base is out
// of reach of a displacement. Either the index, a guest address, has Lea added
// twice, and then Disp is the displacement; or the base is Table plus the word that
// the guard page begins with.
type Calls struct {
	Lea, Disp int32
}

// Packed is a look-up table of three words per guest byte, for a host whose low
// addresses, which a displacement alone reaches, hold other things: the words of pc are
// at 8*(3*pc + Lea) + Disp. Jumps have a word of their own, so that what stands there
// for a target without translation can be code (Rewriter.JumpMiss): a fault would cost
// the bytes below rsp on a host that knows no red zone.
type Packed struct {
	Lea, Disp int32 // Lea 0: the table is not packed
}

// The distances in bytes of the words from the first.
const (
	PackedReturn = 8 * iota // landings of returns
	PackedCall              // call entries
	PackedJump              // bodies, for jumps; with Options.Strict for all
	PackedSize
)

// Index is what a guest address becomes in translated code, before the word is read.
func (p Packed) Index(pc uint64) uint64 { return 3*pc + uint64(p.Lea) }

// PC is the guest address that has index i.
func (p Packed) PC(i uint64) uint64 { return (i - uint64(p.Lea)) / 3 }

// Options select what the process has asked of all translations. A change means
// that every translation is dropped first.
type Options struct {
	// MovingBase: the guest has set an %fs base of its own.
	MovingBase bool
	// MovingGS: the guest has set a %gs base other than 0.
	MovingGS bool
	// KeepR11: r11 survives a return and an indirect call, and the flags a return.
	KeepR11 bool
	// Strict, which needs KeepR11: the bytes below rsp survive calls and returns.
	Strict bool
}

// Rewriter appends the translation of guest instructions to its buffers. It is
// used by one goroutine at a time and reused; it allocates only when its lists
// grow.
type Rewriter struct {
	Hot, Cold *codegen.Buffer
	CacheBase uint64 // host address that offsets in marks and refs count from
	Table     int32  // displacement of the look-up table
	Guard     int32  // GuardAddr
	Calls     Calls
	Packed    Packed // instead of Table and Calls
	Fields    Fields
	FS        FS
	Stubs     *codegen.Stubs
	Options   Options
	Without   Without
	Clock     uint32 // the number of the vDSO call that Stubs.Clock answers, if there is that

	// Known reports whether the host address of a branch target is fixed by the
	// time the region ends: such a branch is never patched while it runs, so its
	// displacement needs no alignment.
	Known func(pc uint64) bool

	// Short says that the next direct jump or condition reaches its target, inside the
	// region, with a displacement of one byte. The branch resets it.
	Short bool

	// Trapped, if not nil, is told of every trap that is emitted: for those who study
	// translations.
	Trapped func(pc uint64, kind TrapKind)

	// Results, appended to. The caller empties them.
	HotMarks, ColdMarks []Mark
	Refs                []Ref
	FSRewritten         uint64 // operands in %fs rewritten

	// Away says that r11 is in Spill[0], and not in r11. Only instructions that do not
	// touch it, and that Simple reports, may be rewritten then; an indirect jump resets it.
	Away bool

	// DeadR11 says that nothing leaves a value in r11 for what an indirect call calls: such
	// calls need not store it. Without KeepR11 only.
	DeadR11 bool

	// Below is how many 8-byte slots rsp lies below the guest's.
	Below int8

	pc      uint64 // of the instruction being rewritten
	fetched bool   // the target of the indirect branch is in Spill[3]
	spilled Fix    // FixR11, if r11 is in Spill[0] during the indirect branch
}

// MaxEmit bounds the bytes that one Inst call appends to either buffer.
const MaxEmit = 192

// Inst appends the translation of in, whose bytes are code. A FlowJump emits its
// jump; a caller that lays the target out next does not call Inst for it.
func (r *Rewriter) Inst(in *decode.Inst, code []byte) {
	r.pc = in.PC
	switch in.Flow {
	case decode.FlowNext, decode.FlowUndefined, decode.FlowXabort:
		r.plain(in, code)
	case decode.FlowJump:
		r.Jump(in.PC, in.Target)
	case decode.FlowCond:
		r.cond(in)
	case decode.FlowLoop:
		r.loop(in, code)
	case decode.FlowCall:
		r.directCall(in)
	case decode.FlowJumpInd, decode.FlowCallInd:
		r.indirect(in, code)
	case decode.FlowRet:
		r.ret(in)
	case decode.FlowSyscall:
		r.mark(0, 0)
		r.Hot.StoreImmGS(r.Fields.RIP, int32(in.End()))
		r.mark(0, 0)
		r.Hot.Jump(r.Stubs.ExitSyscall)
	case decode.FlowInt:
		if in.Opcode == 0xcd && in.Imm != 3 {
			r.Trap(in.PC, TrapProtection)
		} else {
			r.Trap(in.PC, TrapBreakpoint)
		}
	case decode.FlowHalt:
		r.Trap(in.PC, TrapProtection)
	case decode.FlowXbegin:
		r.Trap(in.PC, TrapXbegin)
	case decode.FlowSysenter:
		r.Trap(in.PC, TrapInvalid)
	default: // far transfers
		switch {
		case in.Class&decode.ClassPrivileged != 0:
			r.Trap(in.PC, privileged(in))
		case in.Class&decode.ClassUINTR != 0:
			r.Trap(in.PC, TrapInvalid)
		default:
			r.Trap(in.PC, TrapFar)
		}
	}
}

// plain handles what falls through.
func (r *Rewriter) plain(in *decode.Inst, code []byte) {
	switch c := in.Class; {
	case c&decode.ClassPopf != 0:
		r.Trap(in.PC, TrapPopf)
	case c&decode.ClassFSBase != 0:
		r.Trap(in.PC, TrapFSBase)
	case c&decode.ClassPrivileged != 0:
		r.Trap(in.PC, privileged(in))
	case c&(decode.ClassIO|decode.ClassSwapGS) != 0:
		r.Trap(in.PC, TrapProtection)
	case c&(decode.ClassSegLoad|decode.ClassSegStore) != 0 && namesTLS(in):
		r.Trap(in.PC, TrapSegment)
	case r.based(in):
		r.FSRewritten++
		r.moving(in, code)
	case c&decode.ClassMustTrap != 0 && c&decode.ClassSegLoad == 0:
		r.Trap(in.PC, refused(in))
	default:
		r.copyInst(in, code)
	}
}

// copyInst emits in as it is, but for its segment prefixes and a RIP-relative
// displacement.
func (r *Rewriter) copyInst(in *decode.Inst, code []byte) {
	if in.RIPRel() && !r.ripReachable(in) {
		r.absolute(in, code)
		return
	}
	r.mark(0, 0)
	start := r.Hot.Len()
	r.Hot.Copy(code[:in.Len])
	out := r.Hot.Code(start)
	r.segment(in, out)
	if r.FS.Disp != 0 && in.Seg == decode.SegFS && in.SegMatters() {
		r.move(in, out)
	}
	if in.RIPRel() {
		putRel32(out[in.DispOff:], in.End()+uint64(in.Disp), r.Hot.PC())
	}
}

// segment replaces the segment prefixes of the copied instruction out: the
// effective %fs becomes what the host has for it (FS); every other one becomes %ds,
// which 64-bit mode ignores (AMD64 manual, volume 2, 4.5.3).
func (r *Rewriter) segment(in *decode.Inst, out []byte) {
	if in.Prefixes&decode.PrefixSeg == 0 {
		return
	}
	for i := range prefixEnd(in) {
		if out[i] == 0x64 || out[i] == 0x65 {
			out[i] = 0x3e
		}
	}
	if in.Seg == decode.SegFS && in.SegMatters() {
		out[in.SegOff] = r.FS.Prefix
		if r.FS.Prefix != prefixFS {
			r.FSRewritten++
		}
	}
}

// prefixEnd is an offset behind the legacy prefixes of in: of what must follow them at
// once, a REX, VEX, XOP or EVEX prefix, or else of the last byte of the opcode.
func prefixEnd(in *decode.Inst) int {
	if in.RexOff >= 0 {
		return int(in.RexOff)
	}
	return int(in.OpOff)
}

// based reports whether in has an operand in %fs or %gs whose base must be loaded
// first: no segment of the host has it, or one whose distance cannot be added.
func (r *Rewriter) based(in *decode.Inst) bool {
	switch {
	case !in.SegMatters():
		return false
	case in.Seg == decode.SegGS:
		return r.Options.MovingGS
	case r.FS.Prefix == prefixFS:
		return false
	}
	return r.Options.MovingBase || r.FS.Prefix == 0 || r.FS.Disp != 0 && !r.movable(in)
}

// movable reports whether the operand of in is an absolute address to which FS.Disp
// can be added without changing the length.
func (r *Rewriter) movable(in *decode.Inst) bool {
	if in.AddrSize != 8 {
		return false
	}
	if in.Moffs {
		return true
	}
	d := in.Disp + int64(r.FS.Disp)
	return in.HasMem && in.Base == decode.NoReg && in.Index == decode.NoReg && in.Class&decode.ClassVSIB == 0 &&
		in.Class&decode.ClassImplicitSeg == 0 && in.DispLen == 4 && d == int64(int32(d))
}

// move adds FS.Disp to the address of the copied instruction out, which is movable.
func (r *Rewriter) move(in *decode.Inst, out []byte) {
	if in.Moffs {
		binary.LittleEndian.PutUint64(out[in.ImmOff:], uint64(in.Imm)+uint64(int64(r.FS.Disp)))
	} else {
		binary.LittleEndian.PutUint32(out[in.DispOff:], uint32(in.Disp+int64(r.FS.Disp)))
	}
}

// ripReachable reports whether the RIP-relative operand of in is within 2 GiB of
// the code that is emitted for it, MaxEmit bytes at most.
func (r *Rewriter) ripReachable(in *decode.Inst) bool {
	if in.AddrSize == 4 {
		return true // wraps at 2^32 in both worlds
	}
	d := int64(in.End()) + in.Disp - int64(r.Hot.PC()) - MaxEmit
	return d == int64(int32(d))
}

// absolute emits a RIP-relative instruction whose operand is out of reach of the
// code cache with an absolute address instead: the address then lies below zero,
// where a sign-extended 32-bit displacement reaches it.
func (r *Rewriter) absolute(in *decode.Inst, code []byte) {
	target := int64(in.End()) + in.Disp
	if target != int64(int32(target)) {
		r.byAddress(in, code)
		return
	}
	r.mark(0, 0)
	end := prefixEnd(in)
	r.essential(in, code[:end])
	start := r.Hot.Len()
	r.Hot.Copy(code[end:in.ModRMOff])
	// With a SIB byte, X, which means nothing to a RIP-relative operand, would make
	// an index of the 4 that stands for none.
	switch out := r.Hot.Code(start); {
	case in.RexOff < 0 || in.Enc == decode.EncVEX2:
	case in.Enc == decode.EncLegacy:
		out[0] &^= decode.RexX
	default:
		out[1] |= 0x40 // stored inverted
	}
	r.Hot.Bytes(in.ModRM&0x38|4, 0x25)
	r.Hot.U32(uint32(target))
	r.Hot.Copy(code[int(in.DispOff)+4 : in.Len])
}

// essential emits the prefixes of in, which precede the REX or VEX byte or the last
// byte of the opcode, without those that do nothing: of 15 bytes with the padding that
// compilers and others put before an instruction none would be left for a SIB byte.
// The longest without padding, lock xacquire add $imm32,%fs:disp(%rip), has 14.
func (r *Rewriter) essential(in *decode.Inst, prefixes []byte) {
	for i, c := range prefixes {
		switch {
		case c == prefixFS || c == prefixGS:
			if i != int(in.SegOff) || in.Seg != decode.SegFS || !in.SegMatters() {
				continue
			}
			if c = r.FS.Prefix; c != prefixFS {
				r.FSRewritten++
			}
		case c == 0x26 || c == 0x2e || c == 0x36 || c == 0x3e, // other segments
			c&0xf0 == 0x40, // a REX that another prefix follows
			c == 0x66 && in.Enc == decode.EncLegacy && in.OpMap == 0 && in.Rex&decode.RexW != 0,
			c == 0xf2 && in.Prefixes&decode.PrefixRep != 0, // the last of these counts
			c == 0xf3 && in.Prefixes&decode.PrefixRepne != 0,
			bytes.IndexByte(prefixes[i+1:], c) >= 0:
			continue
		}
		r.Hot.Bytes(c)
	}
}

func putRel32(p []byte, target, next uint64) {
	d := uint32(target - next)
	p[0], p[1], p[2], p[3] = byte(d), byte(d>>8), byte(d>>16), byte(d>>24)
}

// Trap emits an exit to the runtime at guest address pc.
func (r *Rewriter) Trap(pc uint64, kind TrapKind) {
	if r.Trapped != nil {
		r.Trapped(pc, kind)
	}
	r.pc = pc
	r.mark(0, 0)
	r.Hot.StoreImmGS32(r.Fields.ExitArg, uint32(kind))
	r.mark(0, 0)
	r.Hot.StoreImmGS(r.Fields.RIP, int32(pc))
	r.mark(0, 0)
	r.Hot.Jump(r.Stubs.ExitTrap)
}

// Call emits the call entry and the body of a vDSO entry at guest address pc: an
// exit that names the call. All that a C function call preserves is saved there.
func (r *Rewriter) Call(pc uint64, n uint32) {
	r.CallEntry(pc)
	r.mark(0, 0)
	r.Hot.StoreImmGS32(r.Fields.ExitArg, n)
	r.mark(0, 0)
	if exit := r.Stubs.Clock.Entry; exit != 0 && n == r.Clock && r.Without&WithoutClock == 0 {
		r.Hot.Jump(exit)
		return
	}
	r.Hot.Jump(r.Stubs.ExitCall)
}
