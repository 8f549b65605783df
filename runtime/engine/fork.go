package engine

import (
	"encoding/binary"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
)

// State is a guest thread in proc_fork, as its copy in another process needs it.
type State struct {
	Regs   [16]uint64 // in encoding order
	RIP    uint64     // where the copy goes on
	Flags  uint64
	FSBase uint64
	GSBase uint64
	// Selectors are those of %fs and %gs.
	Selectors [2]uint16
	FSWord    uint64 // address of the thread's %fs word, the initial %fs base
	FSValue   uint64 // what is there
	TCB       uint64 // address of its first TCB
	FSPage    []byte // the page that is in; zeros at the end are left out
	XSave     []byte // in the form of XSAVE; likewise
	MXCSR     uint32
	Raw       bool // by the syscall instruction: results go to registers
	Moving    bool // some thread of the process has moved its %fs base
	GS        bool // or its %gs base
	KeepR11   bool
}

// Capture returns the state of a thread, the calling one, in a system call.
func (e *Engine) Capture(ht *host.Thread) State {
	b := ht.Block()
	s := State{
		Regs: b.Regs, RIP: b.RIP, Flags: b.Flags, FSBase: b.FSBase,
		GSBase: b.Spill[rewrite.GSBaseSpill], Selectors: b.Selectors,
		FSWord: ht.FSWord, TCB: ht.TCB(), FSPage: trimmed(ht.FSPage()),
		MXCSR: b.MXCSR, Raw: b.Exit == host.ExitSyscall,
	}
	s.FSValue, _ = host.Load64(ht.FSWord) // it is always there
	e.mu.Lock()
	s.GS = e.rw.Options.MovingGS
	s.Moving, s.KeepR11 = e.rw.Options.MovingBase, e.rw.Options.KeepR11
	e.mu.Unlock()
	if s.Raw {
		s.XSave = trimmed(ht.XSave())
		return s
	}
	// Through the vDSO only what survives a C function call is kept: it returns
	// from there, as vdsoCall does. Of the extended state that is the control words.
	s.RIP, s.Flags = e.vdso.Text+e.vdso.RetOffset, initialFlags
	for _, r := range [...]decode.Reg{decode.RCX, decode.RDX, decode.R8, decode.R9, decode.R10, decode.R11} {
		s.Regs[r] = 0
	}
	s.Regs[decode.RDI], s.Regs[decode.RSI] = b.Args[0], b.Args[1] // where its results go
	s.XSave = make([]byte, 576)                                   // the part that is there for every CPU
	binary.LittleEndian.PutUint16(s.XSave, host.X87Control())
	binary.LittleEndian.PutUint32(s.XSave[24:], s.MXCSR)
	s.XSave[512] = xstateX87
	return s
}

// trimmed is a copy without zeros at the end.
func trimmed(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return append([]byte(nil), b...)
}

const (
	initialFlags = 0x202 // interrupts enabled, and the bit that is always set
	xstateX87    = 1     // XSTATE_BV: the x87 part of an XSAVE area counts
)

// Resume makes the calling goroutine's host thread go on where Capture found the
// thread s: proc_fork returns there with process_child and the thread's identifier.
func (e *Engine) Resume(ht *host.Thread, kt *kernel.Thread, calls []abi.Call, s *State) *Thread {
	t := e.NewThread(ht, kt, calls, Start{})
	b := t.block
	b.Regs, b.RIP, b.Flags, b.MXCSR = s.Regs, s.RIP, s.Flags, s.MXCSR
	if s.FSBase == s.FSWord {
		s.FSBase = ht.FSWord // on Windows it lies elsewhere
	}
	setBase(b, s.FSBase)
	b.Spill[rewrite.GSBaseSpill], b.Selectors = s.GSBase, s.Selectors
	clear(ht.FSPage()[copy(ht.FSPage(), s.FSPage):])
	_ = host.Store64(ht.FSWord, s.FSValue)
	clear(ht.XSave()[copy(ht.XSave(), s.XSave):])
	e.controlled(s.XSave)
	e.mu.Lock()
	o := e.rw.Options
	o.MovingBase, o.MovingGS, o.KeepR11 = s.Moving, s.GS, s.KeepR11
	e.setOptions(o)
	e.mu.Unlock()
	if s.Raw {
		b.Regs[decode.RAX], b.Regs[decode.RDX] = uint64(abi.FDProcessChild), uint64(kt.Tid)
		b.Flags &^= carry
		return t
	}
	err := e.store32(s.Regs[decode.RDI], uint32(abi.FDProcessChild))
	if err == nil {
		err = e.store32(s.Regs[decode.RSI], uint32(kt.Tid))
	}
	b.Regs[decode.RAX] = 0
	if err != nil { // another thread has unmapped it during the call
		b.Regs[decode.RAX] = uint64(abi.EFAULT)
	}
	b.Regs[decode.RSI], b.Regs[decode.RDI] = 0, 0
	return t
}

// store32 stores a result at any address.
func (e *Engine) store32(addr uint64, v uint32) error {
	return e.mem.CopyOut(addr, binary.LittleEndian.AppendUint32(nil, v))
}

// Quiesce calls f while no thread is in the guest.
func (e *Engine) Quiesce(f func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
	return f()
}
