package codegen

// Layout tells the stubs where the fields of a thread block are: each of the
// first three lines is a distance in bytes from its first word.
type Layout struct {
	HostSP, HostBP, HostG, State, Kick, Exit, ExitArg, Entry int32
	MXCSR, HostMXCSR, Regs, Flags, Result, XSave             int32
	Spill, FSBase, RIP, RealFS, HostFS, Restore, Args        int32

	Cells  Cells
	Clock  Clock
	Switch Switch

	StateHost, StateGuest, StateLeaving       int64
	ExitCall, ExitLink, ExitSyscall, ExitTrap int64
	ExitAbort                                 int64

	DefaultMXCSR int64 // what Go runs with
	// Control is the address, below 2^31, of a word of 4 bytes that is 0 while no guest code may have changed
	// the control bits of MXCSR: then a C call need not save them, and STMXCSR is among the
	// longest instructions of a switch. 0 for none: they are always saved.
	Control  int64
	HasAVX   bool // the host has AVX: upper halves are cleared on the way to Go
	HasInUse bool // XGETBV tells which state components are in use
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
	// ExitCall saves the arguments, in Args, and what survives a C function call.
	ExitCall uint64
	Clock    ClockStub
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
// The register contract of all of them: %gs leads to the thread block (stub.find),
// and nothing else may be assumed of an exit stub's registers, flags or stack, which
// are the guest's. No stub touches memory below the guest's stack pointer. Flags are
// saved by pushfq on the host's stack, once that is loaded.
func MakeStubs(b *Buffer, l Layout) (*Stubs, error) {
	s := new(Stubs)
	var err error
	place := func(f func(s *stub)) (addr uint64) {
		b.Align(64)
		addr = b.PC()
		t := stub{l: &l}
		code, e := assemble(func(a *assembly) {
			t.assembly = a
			f(&t)
		})
		if err == nil {
			err = e
		}
		b.Copy(code)
		if t.placed != nil {
			t.placed(addr)
		}
		return addr
	}
	// A kind of full exit: note it and join the body.
	full := func(kind int64, body uint64) (addr uint64) {
		b.Align(16)
		addr = b.PC()
		b.StoreImmGS32(l.Cells.Exit, uint32(kind))
		b.Jump(body)
		return addr
	}

	b.Align(64)
	s.ExitLo = b.PC()
	s.Abort = place((*stub).abort)
	s.FaultExit = place((*stub).faultExit)
	s.ExitCall = place((*stub).exitCall)
	if l.Clock.exists() {
		place(func(t *stub) { t.clock(s.ExitCall, &s.Clock) })
	}
	body := place((*stub).exitFull)
	s.ExitLink = full(l.ExitLink, body)
	s.ExitSyscall = full(l.ExitSyscall, body)
	s.ExitTrap = full(l.ExitTrap, body)
	b.Align(64)
	s.ExitHi = b.PC()

	// Assembled code is position independent, so an enter stub holds the address
	// of Abort as a constant.
	s.EnterLo = b.PC()
	s.EnterFull = place(func(t *stub) { t.enterFull(s.Abort) })
	s.EnterReturn = place(func(t *stub) { t.enterReturn(s.Abort) })
	b.Align(64)
	s.EnterHi = b.PC()
	if err != nil {
		return nil, err
	}
	return s, nil
}
