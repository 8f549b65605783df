package decode

import "errors"

// Errors of Decode. They are returned bare, so == works as well as errors.Is.
var (
	// ErrTruncated: the code ends inside the instruction. Whether the missing bytes would have made a valid
	// instruction is not known; a guest that runs into it faults on the fetch.
	ErrTruncated = errors.New("decode: code ends inside the instruction")
	// ErrInvalid: the CPU refuses the encoding (#UD).
	ErrInvalid = errors.New("decode: invalid instruction")
	// ErrTooLong: more than 15 bytes; the CPU answers #GP.
	ErrTooLong = errors.New("decode: instruction longer than 15 bytes")
	// ErrAddress: no instruction can be executed at the address, which is not canonical; the CPU answers #GP.
	ErrAddress = errors.New("decode: the address of the instruction is not canonical")
	// ErrUnknown: an encoding space this decoder does not know (REX2, APX). No length is claimed.
	ErrUnknown = errors.New("decode: unknown encoding")
)

// MaxLen is the architectural limit on the length of an instruction, in bytes.
const MaxLen = 15

// Seg is a segment register as an override prefix names it.
type Seg uint8

// The segment registers. Only SegNone, SegFS and SegGS are ever effective in 64-bit mode.
const (
	SegNone Seg = iota
	SegES
	SegCS
	SegSS
	SegDS
	SegFS
	SegGS
)

// Reg is a general register by its encoding, 0 to 15, or RIP or NoReg.
type Reg uint8

// The general registers by their encodings.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	RIP       // base of a RIP-relative operand
	NoReg Reg = 0xff
)

// RegSet is a set of general registers: bit i is the register with encoding i.
type RegSet uint16

// Has reports whether r, a general register, is in s. NoReg and RIP are in no set.
func (s RegSet) Has(r Reg) bool { return r < 16 && s>>r&1 != 0 }

// Bit is the set that holds r alone; the empty set for NoReg and RIP.
func (r Reg) Bit() RegSet {
	if r < 16 {
		return 1 << r
	}
	return 0
}

// Flags of FlagsRead and FlagsWritten.
const (
	FlagCF uint8 = 1 << iota
	FlagPF
	FlagAF
	FlagZF
	FlagSF
	FlagDF
	FlagOF
	// FlagsArith are the six that arithmetic sets.
	FlagsArith = FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagOF
)

// Flow is what an instruction does to the instruction pointer.
type Flow uint8

// The flow kinds. Everything but FlowNext ends a basic block.
const (
	FlowNext      Flow = iota // falls through
	FlowJump                  // jmp rel
	FlowCond                  // jcc rel
	FlowLoop                  // loop, loope, loopne, jrcxz, jecxz
	FlowCall                  // call rel
	FlowJumpInd               // jmp r/m
	FlowCallInd               // call r/m
	FlowRet                   // ret, ret imm16
	FlowFar                   // far jmp, call, ret; iret, uiret, sysret, sysexit, eretu
	FlowSyscall               // syscall
	FlowSysenter              // sysenter
	FlowInt                   // int n, int3, int1
	FlowUndefined             // ud0, ud1, ud2
	FlowHalt                  // hlt
	FlowXbegin                // xbegin: Target is the abort handler
	FlowXabort                // xabort: jumps to the handler inside a transaction, else a no-op
)

// Class is a set of properties that decide how an instruction is translated.
type Class uint32

// The properties.
const (
	ClassPrivileged    Class = 1 << iota // #GP or #UD at CPL 3, whatever the operands
	ClassIO                              // in, out, ins, outs
	ClassSegLoad                         // loads a segment register: mov to sreg, pop fs/gs, lfs, lgs, lss
	ClassSegStore                        // stores one: mov from sreg, push fs/gs
	ClassFSBase                          // rdfsbase, wrfsbase, rdgsbase, wrgsbase
	ClassSwapGS                          // swapgs
	ClassPopf                            // popf
	ClassPushf                           // pushf
	ClassString                          // movs, cmps, stos, lods, scas, ins, outs
	ClassVSIB                            // the memory operand's index is a vector register
	ClassX87                             // x87 and MMX/3DNow! state
	ClassSSE                             // legacy-encoded vector instruction
	ClassVEX                             // VEX or XOP encoded
	ClassEVEX                            // EVEX encoded
	ClassStackImplicit                   // accesses memory at rsp implicitly
	ClassMustTrap                        // must never run untranslated
	ClassCET                             // shadow stack and indirect-branch tracking
	ClassAddrOnly                        // the ModRM memory operand is not accessed, its segment ignored (lea, nop, bndmk)
	ClassImplicitSeg                     // an implicit operand obeys the segment override (rsi, xlat, maskmov, monitor)
	ClassHint                            // a no-op, or one on CPUs that lack the feature
	ClassState                           // saves or restores state in bulk: fxsave, xsave, fnsave, fldenv families
	ClassTSX                             // transactional memory
	ClassAMX                             // tile registers
	ClassTime                            // rdtsc, rdtscp, rdpmc, cpuid, rdpru, rdpid: observes the host
	ClassLockable                        // LOCK is legal with a memory destination
	ClassStringAddr                      // ModRM memory is a bit string: accesses beyond the operand (bt with a register)
	ClassVendor                          // length or meaning differs between vendors (0x66 on near branches)
	ClassUINTR                           // user interrupts
	ClassKL                              // key locker
	ClassFlags0                          // lahf, sahf, pushf, popf: moves flags as data
)

// Encodings of Inst.Enc.
const (
	EncLegacy uint8 = iota
	EncVEX2
	EncVEX3
	EncEVEX
	EncXOP
	EncREX2 // never decoded: ErrUnknown
)

// Prefix bits of Inst.Prefixes. Rep and Repne tell of the bytes F3 and F2 whether they repeat, select the opcode or
// do nothing; when both occur the last one acts and only that bit is set.
const (
	PrefixLock uint16 = 1 << iota
	PrefixRep
	PrefixRepne
	PrefixOpSize
	PrefixAddrSize
	PrefixREX
	PrefixSeg // any of the six segment overrides, effective or not
)

// REX bits of Inst.Rex.
const (
	RexB uint8 = 1 << iota
	RexX
	RexR
	RexW
)

// Inst is one decoded instruction. Offsets are in bytes from the first byte of the instruction, -1 for "none".
type Inst struct {
	PC     uint64 // guest address of the first byte
	Target uint64 // FlowJump, FlowCond, FlowLoop, FlowCall, FlowXbegin: absolute target
	Disp   int64  // displacement, sign-extended; with EVEX disp8 already multiplied by DispScale
	Imm    int64  // sign-extended from ImmLen; rel as encoded; moffs zero-extended; enter: imm16 | imm8<<16
	Class  Class

	// Reads is every general register whose old value may matter, address and implicit registers included
	// (over-approximated). Writes is every one that may change. Kills, a subset of Writes, is what surely gets a new
	// 64-bit value (32-bit writes zero-extend) without its old one being read.
	Reads, Writes, Kills RegSet
	Prefixes             uint16

	Len    uint8 // 1 to 15
	OpMap  uint8 // 0 one-byte, 1 0F, 2 0F38, 3 0F3A, 0xF 3DNow!; VEX, EVEX and XOP: their map number
	Opcode uint8 // 3DNow!: the suffix byte
	Enc    uint8 // EncLegacy and so on
	Rex    uint8 // effective W R X B as RexW, RexR, RexX, RexB, from REX, VEX, XOP or EVEX (there already un-inverted)

	// OpSize is the effective operand size in bytes: 1, 2, 4, 8. For legacy vector instructions a mandatory 66 counts as
	// well (2), with VEX, EVEX and XOP it is 8 with W and 4 without.
	OpSize   uint8
	AddrSize uint8 // 4 or 8
	VecLen   uint8 // VEX, EVEX, XOP: 16, 32 or 64 by L'L, also where EVEX.b makes that a rounding mode (3: 0); otherwise 0

	Seg    Seg   // effective override: SegNone, SegFS or SegGS
	SegOff int8  // its byte
	OpOff  uint8 // the opcode byte (3DNow!: of the second 0F)
	RexOff int8  // REX, or the first byte of VEX, EVEX or XOP

	ModRMOff   int8
	ModRM, SIB uint8
	HasMem     bool // an explicit ModRM memory operand
	Base       Reg  // RIP for RIP-relative
	Index      Reg  // ClassVSIB: NoReg, and the vector register is VIndex
	VIndex     uint8
	Scale      uint8 // 1, 2, 4, 8
	DispOff    int8
	DispLen    uint8 // 0, 1, 4
	DispScale  uint8 // 1, or the N of EVEX disp8*N

	ImmOff int8
	ImmLen uint8 // 0, 1, 2, 3 (enter), 4, 8
	Moffs  bool  // the immediate is a memory address

	VVVV   uint8 // VEX, EVEX, XOP: register number (un-inverted, 0 to 31); otherwise 0
	EVEXp2 uint8 // EVEX: the third payload byte z L'L b V' aaa as encoded; otherwise 0

	Flow Flow

	FlagsRead    uint8 // flags the result may depend on
	FlagsWritten uint8 // flags surely overwritten; those a manual leaves undefined and a CPU keeps are not among them

	vpp uint8 // pp of VEX, EVEX and XOP: which mandatory prefix is implied
}

// End is the address of the next instruction.
func (in *Inst) End() uint64 { return in.PC + uint64(in.Len) }

// Mod, Reg3 and RM3 are the fields of ModRM without REX extensions.
func (in *Inst) Mod() uint8 { return in.ModRM >> 6 }

// Reg3 is ModRM.reg, which also extends the opcode in groups.
func (in *Inst) Reg3() uint8 { return in.ModRM >> 3 & 7 }

// RM3 is ModRM.rm.
func (in *Inst) RM3() uint8 { return in.ModRM & 7 }

// Reg is ModRM.reg extended by R.
func (in *Inst) Reg() Reg { return Reg(in.ModRM>>3&7 | in.Rex&RexR<<1) }

// RM is ModRM.rm extended by B: the register operand when HasMem is false.
func (in *Inst) RM() Reg { return Reg(in.ModRM&7 | in.Rex&RexB<<3) }

// OpReg is the register in the low three opcode bits, extended by B (push, pop, xchg, mov imm, bswap).
func (in *Inst) OpReg() Reg { return Reg(in.Opcode&7 | in.Rex&RexB<<3) }

// AddrRegs are the general registers of the ModRM memory operand.
func (in *Inst) AddrRegs() RegSet {
	if !in.HasMem {
		return 0
	}
	return in.Base.Bit() | in.Index.Bit()
}

// RIPRel reports a RIP-relative memory operand.
func (in *Inst) RIPRel() bool { return in.HasMem && in.Base == RIP }

// Addr is the address of a RIP-relative or absolute operand; ok is false for every other form. The segment base is not
// added. A 4-byte address size truncates.
func (in *Inst) Addr() (addr uint64, ok bool) {
	switch {
	case in.Moffs:
		addr = uint64(in.Imm)
	case !in.HasMem || in.Index != NoReg || in.Class&ClassVSIB != 0:
		return 0, false
	case in.Base == RIP:
		addr = in.End() + uint64(in.Disp)
	case in.Base == NoReg:
		addr = uint64(in.Disp)
	default:
		return 0, false
	}
	if in.AddrSize == 4 {
		addr = uint64(uint32(addr))
	}
	return addr, true
}

// SegMatters reports whether the effective override changes what the instruction does: it has one, and a memory
// operand obeys it.
func (in *Inst) SegMatters() bool {
	if in.Seg == SegNone {
		return false
	}
	return in.Moffs || in.HasMem && in.Class&ClassAddrOnly == 0 || in.Class&ClassImplicitSeg != 0
}

// Repeats reports a string instruction with a repeat prefix.
func (in *Inst) Repeats() bool {
	return in.Class&ClassString != 0 && in.Prefixes&(PrefixRep|PrefixRepne) != 0
}

// EndsBlock reports whether control may leave the sequence after in.
func (in *Inst) EndsBlock() bool { return in.Flow != FlowNext }

// HighByte reports whether the number r (0 to 15) of an operand that is 8 bits wide, which the caller knows, means
// AH, CH, DH or BH.
func (in *Inst) HighByte(r Reg) bool {
	return in.Prefixes&PrefixREX == 0 && in.Enc == EncLegacy && r >= 4 && r < 8
}
