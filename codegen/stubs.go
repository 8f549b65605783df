package codegen

import (
	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
)

// Layout tells the stubs where the fields of a thread block are: each of the
// first two lines is a distance in bytes from the %gs base.
type Layout struct {
	HostSP, HostBP, HostG, State, Kick, Exit, ExitArg, Entry int32
	MXCSR, HostMXCSR, Regs, Flags, Result, XSave             int32

	StateHost, StateGuest, StateLeaving       int64
	ExitCall, ExitLink, ExitSyscall, ExitTrap int64
	ExitAbort                                 int64

	DefaultMXCSR int64 // what Go runs with
	HasAVX       bool  // the host has AVX: upper halves are cleared on the way to Go
}

// Stubs are the host addresses of the routines through which a thread enters and
// leaves translated code.
type Stubs struct {
	// EnterFull loads every register of the guest and continues at Entry.
	EnterFull uint64
	// EnterReturn loads what survives a C function call, Result into rax, zero
	// into the other general registers, and continues at Entry.
	EnterReturn uint64

	// ExitLink, ExitSyscall and ExitTrap save everything; ExitArg, and for the
	// last two RIP, have been stored by the code that jumps here.
	ExitLink, ExitSyscall, ExitTrap uint64
	// ExitCall saves the arguments and what survives a C function call.
	ExitCall uint64
	// FaultExit is where the signal handler sends a thread whose general
	// registers it has saved; it saves the rest.
	FaultExit uint64
	// Abort leaves an enter stub: nothing of the guest has run.
	Abort uint64

	EnterLo, EnterHi uint64 // the range of the enter stubs
	ExitLo, ExitHi   uint64 // the range of the exit stubs
}

// MakeStubs assembles the stubs into b.
//
// The register contract of all of them: %gs names the thread block, and nothing
// else may be assumed of an exit stub's registers, flags or stack, which are the
// guest's. No stub touches memory below the guest's stack pointer. Flags are
// saved by pushfq on the host's stack, once that is loaded.
func MakeStubs(b *Buffer, l Layout) (*Stubs, error) {
	s := new(Stubs)
	var err error
	place := func(f func(a *assembly)) (addr uint64) {
		b.Align(64)
		addr = b.PC()
		code, e := assemble(f)
		if err == nil {
			err = e
		}
		b.Copy(code)
		return addr
	}
	// A kind of full exit: note it and join the body.
	full := func(kind int64, body uint64) (addr uint64) {
		b.Align(16)
		addr = b.PC()
		b.StoreImmGS32(l.Exit, uint32(kind))
		b.Jump(body)
		return addr
	}

	b.Align(64)
	s.ExitLo = b.PC()
	s.Abort = place(l.abort)
	s.FaultExit = place(l.faultExit)
	s.ExitCall = place(l.exitCall)
	body := place(l.exitFull)
	s.ExitLink = full(l.ExitLink, body)
	s.ExitSyscall = full(l.ExitSyscall, body)
	s.ExitTrap = full(l.ExitTrap, body)
	b.Align(64)
	s.ExitHi = b.PC()

	// Assembled code is position independent, so an enter stub holds the address
	// of Abort as a constant.
	s.EnterLo = b.PC()
	s.EnterFull = place(func(a *assembly) { l.enterFull(a, s.Abort) })
	s.EnterReturn = place(func(a *assembly) { l.enterReturn(a, s.Abort) })
	b.Align(64)
	s.EnterHi = b.PC()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// enterGuest begins an enter stub: from here on the thread counts as in the
// guest, unless a kick is pending.
func (l *Layout) enterGuest(a *assembly, abort uint64) {
	a.op2(x86.AMOVQ, reg(x86.REG_SP), gs(l.HostSP))
	a.op2(x86.AMOVL, imm(l.StateGuest), gs(l.State))
	a.op2(x86.ACMPL, gs(l.Kick), imm(0))
	ok := a.jump(x86.AJEQ)
	a.op2(x86.AMOVQ, imm(int64(abort)), reg(x86.REG_AX))
	a.op1(obj.AJMP, reg(x86.REG_AX))
	bind(ok, a.op(x86.ACLD))
}

func (l *Layout) enterFull(a *assembly, abort uint64) {
	l.enterGuest(a, abort)
	a.op2(x86.AMOVL, imm(-1), reg(x86.REG_AX))
	a.op2(x86.AMOVL, imm(-1), reg(x86.REG_DX))
	a.op2(x86.AXRSTOR64, gs(l.XSave), obj.Addr{})
	a.op2(x86.APUSHQ, gs(l.Flags), obj.Addr{})
	a.op(x86.APOPFQ)
	for i, r := range generalRegs {
		a.op2(x86.AMOVQ, regs(l.Regs, int32(i)), reg(r))
	}
	a.op1(obj.AJMP, gs(l.Entry))
}

// calleeSaved are the registers, by encoding, that survive a C function call
// (AMD64 ABI, figure 3.4), and rsp.
var calleeSaved = [...]int32{3, 4, 5, 12, 13, 14, 15}

func (l *Layout) enterReturn(a *assembly, abort uint64) {
	l.enterGuest(a, abort)
	// The control bits of MXCSR survive a call; loading them costs, so only
	// where the guest has changed them.
	a.op2(x86.AMOVL, gs(l.MXCSR), reg(x86.REG_AX))
	a.op2(x86.AANDL, imm(0xffc0), reg(x86.REG_AX))
	a.op2(x86.ACMPL, reg(x86.REG_AX), imm(l.DefaultMXCSR))
	same := a.jump(x86.AJEQ)
	a.op2(x86.ALDMXCSR, gs(l.MXCSR), obj.Addr{})
	next := a.op2(x86.AMOVQ, gs(l.Result), reg(x86.REG_AX))
	bind(same, next)
	for _, r := range [...]int16{x86.REG_CX, x86.REG_DX, x86.REG_SI, x86.REG_DI, x86.REG_R8, x86.REG_R9, x86.REG_R10, x86.REG_R11} {
		a.op2(x86.AXORL, reg(r), reg(r))
	}
	for _, i := range calleeSaved {
		a.op2(x86.AMOVQ, regs(l.Regs, i), reg(generalRegs[i]))
	}
	a.op1(obj.AJMP, gs(l.Entry))
}

// toGo ends an exit stub: the stack is the host's and MXCSR is Go's already.
func (l *Layout) toGo(a *assembly, state int64) {
	a.op(x86.ACLD)
	if l.HasAVX {
		a.op(x86.AVZEROUPPER)
	}
	a.op2(x86.AMOVL, imm(state), gs(l.State))
	a.op2(x86.AMOVQ, gs(l.HostBP), reg(x86.REG_BP))
	a.op2(x86.AMOVQ, gs(l.HostG), reg(x86.REG_R14))
	a.op2(x86.AXORPS, reg(x86.REG_X15), reg(x86.REG_X15))
	a.op1(x86.APOPQ, reg(x86.REG_CX))
	a.op1(obj.AJMP, reg(x86.REG_CX))
}

func (l *Layout) hostStack(a *assembly) *obj.Prog {
	return a.op2(x86.AMOVQ, gs(l.HostSP), reg(x86.REG_SP))
}

func (l *Layout) exitCall(a *assembly) {
	a.op2(x86.AMOVL, imm(l.ExitCall), gs(l.Exit))
	for _, i := range [...]int32{7, 6, 2, 1, 8, 9} { // rdi rsi rdx rcx r8 r9
		a.op2(x86.AMOVQ, reg(generalRegs[i]), regs(l.Regs, i))
	}
	for _, i := range calleeSaved {
		a.op2(x86.AMOVQ, reg(generalRegs[i]), regs(l.Regs, i))
	}
	a.op1(x86.ASTMXCSR, gs(l.MXCSR))
	a.op2(x86.AMOVL, gs(l.MXCSR), reg(x86.REG_AX))
	a.op2(x86.AANDL, imm(0xffc0), reg(x86.REG_AX))
	a.op2(x86.ACMPL, reg(x86.REG_AX), imm(l.DefaultMXCSR))
	same := a.jump(x86.AJEQ)
	a.op2(x86.ALDMXCSR, gs(l.HostMXCSR), obj.Addr{})
	bind(same, l.hostStack(a))
	l.toGo(a, l.StateHost)
}

func (l *Layout) exitFull(a *assembly) {
	for i, r := range generalRegs {
		a.op2(x86.AMOVQ, reg(r), regs(l.Regs, int32(i)))
	}
	l.hostStack(a)
	a.op(x86.APUSHFQ)
	a.op1(x86.APOPQ, gs(l.Flags))
	l.saveExtended(a)
	l.toGo(a, l.StateHost)
}

func (l *Layout) faultExit(a *assembly) {
	l.hostStack(a)
	l.saveExtended(a)
	l.toGo(a, l.StateLeaving)
}

// saveExtended saves every state component the operating system has enabled and
// gives Go its own MXCSR. Go never touches the x87 registers.
func (l *Layout) saveExtended(a *assembly) {
	a.op2(x86.AMOVL, imm(-1), reg(x86.REG_AX))
	a.op2(x86.AMOVL, imm(-1), reg(x86.REG_DX))
	a.op1(x86.AXSAVE64, gs(l.XSave))
	a.op1(x86.ASTMXCSR, gs(l.MXCSR))
	a.op2(x86.ALDMXCSR, gs(l.HostMXCSR), obj.Addr{})
}

func (l *Layout) abort(a *assembly) {
	a.op2(x86.AMOVL, imm(l.ExitAbort), gs(l.Exit))
	a.op2(x86.ALDMXCSR, gs(l.HostMXCSR), obj.Addr{})
	l.hostStack(a)
	l.toGo(a, l.StateHost)
}
