package codegen

import (
	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
)

// enterGuest begins an enter stub: from here on the thread counts as in the
// guest, unless a kick is pending. A thread that is in the guest has come here by a wild
// jump (package engine, "The home tier"): it would destroy what its way back to Go is.
func (s *stub) enterGuest(abort uint64) {
	s.find(x86.REG_BX)
	s.op2(x86.ACMPL, s.field(s.l.State), imm(s.l.StateGuest))
	outside := s.jump(x86.AJNE)
	s.op(x86.AUD2)
	bind(outside, s.op2(x86.AMOVQ, reg(x86.REG_SP), s.field(s.l.HostSP)))
	s.op2(x86.AMOVL, imm(s.l.StateGuest), s.field(s.l.State))
	s.op2(x86.ACMPL, s.field(s.l.Kick), imm(0))
	ok := s.jump(x86.AJEQ)
	s.op2(x86.AMOVQ, imm(int64(abort)), reg(x86.REG_AX))
	s.op1(obj.AJMP, reg(x86.REG_AX))
	bind(ok, s.op(obj.ANOP)) // the direction flag is clear, as Go keeps it
	s.give(s.l.FSBase, s.l.Cells.FSBase)
	s.give(s.l.Entry, s.l.Cells.Entry)
	for i, cell := range s.l.Cells.Spill[KeptSpill:] {
		s.give(s.l.Spill+8*int32(KeptSpill+i), cell)
	}
	s.switchFS(s.l.RealFS)
}

func (s *stub) enterFull(abort uint64) {
	s.enterGuest(abort)
	s.loadExtended()
	s.op2(x86.APUSHQ, s.field(s.l.Flags), obj.Addr{})
	s.op(x86.APOPFQ)
	for i, r := range generalRegs {
		if r != s.block {
			s.op2(x86.AMOVQ, s.register(int32(i)), reg(r))
		}
	}
	s.toCode()
}

// toCode ends an enter stub: every register has been loaded but the block's.
func (s *stub) toCode() {
	if s.block != 0 {
		s.op2(x86.AMOVQ, s.register(rbx), reg(x86.REG_BX))
	}
	s.op1(obj.AJMP, gs(s.l.Cells.Entry))
}

// Encodings of registers. rax and rbx keep the block's address in stubs.
const (
	rax = 0
	rdx = 2
	rbx = 3
	rsp = 4
)

// calleeSaved are the registers, by encoding, that survive a C function call
// (AMD64 ABI, figure 3.4), and rsp.
var calleeSaved = [...]int32{3, 4, 5, 12, 13, 14, 15}

func (s *stub) enterReturn(abort uint64) {
	s.enterGuest(abort)
	// The control bits of MXCSR survive a call; loading them costs, so only
	// where the guest has changed them.
	never := s.neverControlled()
	s.op2(x86.AMOVL, s.field(s.l.MXCSR), reg(x86.REG_AX))
	s.op2(x86.AANDL, imm(0xffc0), reg(x86.REG_AX))
	s.op2(x86.ACMPL, reg(x86.REG_AX), imm(s.l.DefaultMXCSR))
	same := s.jump(x86.AJEQ)
	s.op2(x86.ALDMXCSR, s.field(s.l.MXCSR), obj.Addr{})
	next := s.op2(x86.AMOVQ, s.field(s.l.Result), reg(x86.REG_AX))
	bind(same, next)
	if never != nil {
		bind(never, next)
	}
	s.clearScratch()
	for _, i := range calleeSaved {
		if generalRegs[i] != s.block {
			s.op2(x86.AMOVQ, s.register(i), reg(generalRegs[i]))
		}
	}
	s.toCode()
}

// clearScratch clears what does not survive a C function call, but for the result.
func (s *stub) clearScratch() {
	for _, r := range [...]int16{x86.REG_CX, x86.REG_DX, x86.REG_SI, x86.REG_DI, x86.REG_R8, x86.REG_R9, x86.REG_R10, x86.REG_R11} {
		s.op2(x86.AXORL, reg(r), reg(r))
	}
}

// toGo ends an exit stub: the stack is the host's and MXCSR is Go's already.
func (s *stub) toGo(state int64) {
	s.op(x86.ACLD)
	if s.l.HasAVX {
		s.op(x86.AVZEROUPPER)
	}
	s.switchFS(s.l.HostFS)
	s.op2(x86.AMOVL, imm(state), s.field(s.l.State))
	s.op2(x86.AMOVQ, s.field(s.l.HostBP), reg(x86.REG_BP))
	s.op2(x86.AMOVQ, s.field(s.l.HostG), reg(x86.REG_R14))
	s.op2(x86.AXORPS, reg(x86.REG_X15), reg(x86.REG_X15))
	s.op1(x86.APOPQ, reg(x86.REG_CX))
	s.op1(obj.AJMP, reg(x86.REG_CX))
}

func (s *stub) hostStack() *obj.Prog {
	return s.op2(x86.AMOVQ, s.field(s.l.HostSP), reg(x86.REG_SP))
}

func (s *stub) exitCall() {
	s.find(x86.REG_R10) // dead at a call, as are rax and r11
	s.op2(x86.AMOVL, imm(s.l.ExitCall), s.field(s.l.Exit))
	for n, i := range [...]int32{7, 6, rdx, 1, 8, 9} { // rdi rsi rdx rcx r8 r9
		s.op2(x86.AMOVQ, reg(generalRegs[i]), s.field(s.l.Args+8*int32(n)))
	}
	for _, i := range calleeSaved {
		s.op2(x86.AMOVQ, reg(generalRegs[i]), s.register(i))
	}
	s.fetch(x86.AMOVL, s.l.Cells.ExitArg, s.l.ExitArg)
	never := s.neverControlled()
	s.op1(x86.ASTMXCSR, s.field(s.l.MXCSR))
	s.op2(x86.AMOVL, s.field(s.l.MXCSR), reg(x86.REG_AX))
	s.op2(x86.AANDL, imm(0xffc0), reg(x86.REG_AX))
	s.op2(x86.ACMPL, reg(x86.REG_AX), imm(s.l.DefaultMXCSR))
	same := s.jump(x86.AJEQ)
	s.op2(x86.ALDMXCSR, s.field(s.l.HostMXCSR), obj.Addr{})
	stack := s.hostStack()
	bind(same, stack)
	if never != nil {
		bind(never, stack)
	}
	s.toGo(s.l.StateHost)
}

// neverControlled jumps if the control bits of MXCSR are Go's because no guest code can have changed them;
// nil where nobody knows.
func (s *stub) neverControlled() *obj.Prog {
	if s.l.Control == 0 {
		return nil
	}
	s.op2(x86.ACMPL, obj.Addr{Type: obj.TYPE_MEM, Offset: s.l.Control}, imm(0))
	return s.jump(x86.AJEQ)
}

func (s *stub) exitFull() {
	c := &s.l.Cells
	if c.Block != 0 {
		s.op2(x86.AMOVQ, reg(x86.REG_AX), gs(c.Scratch))
	}
	s.find(x86.REG_AX)
	for i, r := range generalRegs {
		if r != s.block {
			s.op2(x86.AMOVQ, reg(r), s.register(int32(i)))
		}
	}
	s.hostStack()
	s.op(x86.APUSHFQ)
	s.op1(x86.APOPQ, s.field(s.l.Flags))
	s.find(x86.REG_BX)
	s.fetch(x86.AMOVQ, c.Scratch, s.l.Regs+8*rax)
	s.fetch(x86.AMOVL, c.Exit, s.l.Exit)
	s.fetch(x86.AMOVL, c.ExitArg, s.l.ExitArg)
	s.fetch(x86.AMOVQ, c.RIP, s.l.RIP)
	s.fetchSpills()
	s.saveExtended()
	s.toGo(s.l.StateHost)
}

func (s *stub) faultExit() {
	s.find(x86.REG_BX)
	s.fetchSpills()
	s.hostStack()
	s.saveAll()
	s.toGo(s.l.StateLeaving)
}

func (s *stub) abort() {
	s.find(x86.REG_BX)
	s.op2(x86.AMOVL, imm(s.l.ExitAbort), s.field(s.l.Exit))
	s.op2(x86.ALDMXCSR, s.field(s.l.HostMXCSR), obj.Addr{})
	s.hostStack()
	s.toGo(s.l.StateHost)
}
