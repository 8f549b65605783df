package rewrite

import "slices"

// Fix says how the guest's state at an instruction boundary follows from the
// registers at a host instruction. The zero Fix changes nothing.
type Fix uint8

// The parts of a Fix. They are applied in this order.
const (
	// FixR11: r11 is in Spill[0].
	FixR11 Fix = 1 << iota
	// FixReg1: the register Mark.Reg1 is in Spill[1].
	FixReg1
	// FixReg2: the register Mark.Reg2 is in Spill[2].
	FixReg2
	// FixPC: the guest has branched already; its instruction pointer is in r11
	// (before FixR11).
	FixPC
	// FixSlotPC: the same, in Spill[2].
	FixSlotPC

	// FixIndex: r11 is the index of the target's call entry, see Calls.Lea, or with
	// Packed that of all its words; with FixPC.
	FixIndex

	// The other bits do not change state. They say what a fault at the
	// instruction means.

	// FixTable: the instruction reads the look-up table. A fault means that this
	// part of the table does not exist yet.
	FixTable
	// FixGuard: the instruction proves an indirect target. A fault is a branch
	// out of range.
	FixGuard
)

// Mark maps a host instruction to the guest.
type Mark struct {
	Host  uint32 // offset of the host instruction in the code cache
	Guest uint32 // guest address: the boundary that the Fix leads to
	Fix   Fix
	RSP   int8  // 8-byte slots to add to rsp
	Reg1  uint8 // see FixReg1
	Reg2  uint8 // see FixReg2
}

func (r *Rewriter) markAt(cold bool, m Mark) {
	b, list := r.Hot, &r.HotMarks
	if cold {
		b, list = r.Cold, &r.ColdMarks
	}
	p := another(list)
	*p = m
	p.Host = uint32(b.PC() - r.CacheBase)
}

// another is one more mark, which holds anything. It is filled in field by field: a literal would be put together
// elsewhere, of single bytes, and loaded as words, for which the CPU waits until the bytes are in its cache.
func another(list *[]Mark) *Mark {
	n := len(*list)
	if n == cap(*list) {
		*list = slices.Grow(*list, 1)
	}
	*list = (*list)[:n+1]
	return &(*list)[n]
}

// mark notes that the next hot instruction belongs to the current guest
// instruction.
func (r *Rewriter) mark(fix Fix, rsp int8) {
	if r.Away {
		fix |= FixR11
	}
	m := another(&r.HotMarks)
	m.Host, m.Guest = uint32(r.Hot.PC()-r.CacheBase), uint32(r.pc)
	m.Fix, m.RSP, m.Reg1, m.Reg2 = fix, rsp+r.Below, 0, 0
}

// RefKind says how a Ref reaches its target.
type RefKind uint8

// The kinds of Ref.
const (
	RefJump     RefKind = iota // jmp or jcc to the body of the target
	RefCall                    // call to the call entry of the target
	RefShort                   // RefJump with a displacement of one byte
	RefIndirect                // no Ref: an indirect jump, in an exit (JumpMiss)
)

// A Ref is a displacement in the hot buffer, of 32 bits unless Kind says otherwise, that
// must be made to reach the translation of Target.
type Ref struct {
	Pos    uint32 // offset of the displacement in the code cache
	Target uint64 // guest address
	Kind   RefKind
}

// TrapKind is what an exit by ExitTrap asks the runtime to do at the guest
// instruction it names.
type TrapKind uint32

// The kinds of trap.
const (
	TrapBreakpoint  TrapKind = iota // int3, int1: SIGTRAP behind the instruction
	TrapProtection                  // #GP: privileged, I/O, int n, hlt: SIGSEGV
	TrapInvalid                     // #UD: SIGILL
	TrapUnsupported                 // the translator does not know how: SIGILL, and the report says so
	TrapFetch                       // no executable bytes at the address: SIGSEGV there
	TrapPopf                        // emulate popf
	TrapFSBase                      // emulate rdfsbase, wrfsbase, rdgsbase, wrgsbase
	TrapXbegin                      // emulate an aborted transaction
	TrapString                      // emulate a string instruction, xlat or bit string in %fs
	TrapFar                         // emulate a far transfer, or a near one of 16 bits
	TrapSegment                     // emulate a load or store of a segment register
	TrapGather                      // emulate a gather or scatter with 32-bit addresses in %fs
	TrapStep                        // an instruction has been traced: SIGTRAP
	TrapTarget                      // note where an indirect jump or call leads, and go on behind the exit
	TrapDebug                       // a debugger's breakpoint is before the instruction
)
