package engine

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Registers are a stopped thread's.
type Registers struct {
	Regs           [16]uint64 // in encoding order
	RIP, Flags     uint64
	FSBase, GSBase uint64
	CS, SS         uint16
	FS, GS         uint16 // DS and ES are 0, as in every 64-bit process of the host
	// XSave is the extended state in the standard form of XSAVE: the thread's own memory,
	// not a copy.
	XSave []byte
}

// Registers returns the state of a thread that its debugger has stopped. It may be
// called by any goroutine while Stopped has not returned.
func (t *Thread) Registers() Registers {
	b := t.block
	r := Registers{
		Regs: b.Regs, RIP: b.RIP, Flags: b.Flags &^ flagRF,
		FSBase: b.FSBase, GSBase: b.Spill[rewrite.GSBaseSpill],
		FS: b.Selectors[0], GS: b.Selectors[1], XSave: t.host.XSave(),
	}
	r.CS, r.SS = host.Selectors()
	return r
}

// flagRF is RF, which the host's CPU may set in the flags of a stop.
const flagRF = 1 << 16

// SetRegisters changes general registers, RIP, flags and the segments' bases of a thread
// that its debugger has stopped, not in a call, and the extended state if there is one in
// r. Of the flags only those change that popf can change.
func (t *Thread) SetRegisters(r *Registers) {
	b := t.block
	b.Regs, b.RIP = r.Regs, r.RIP
	b.Flags = b.Flags&^popfMask | r.Flags&popfMask
	copy(t.host.XSave(), r.XSave)
	t.engine.controlled(r.XSave)
	if r.GSBase != b.Spill[rewrite.GSBaseSpill] {
		t.engine.moveGS(b, r.GSBase)
	}
	if r.FSBase != b.FSBase {
		t.engine.MoveBase(b, r.FSBase)
	}
}

// returned makes the state of a thread that is about to return from a call through the
// vDSO a whole one, at the return instruction there. Of what a C function may lose
// nothing is left; of the extended state the control words are.
func (t *Thread) returned() {
	e, b := t.engine, t.block
	// The stub may be the one of a return that is long over.
	due := b.Exit == host.ExitCall && !t.inCall || b.Exit == host.ExitAbort
	if !due || t.stub != e.stubs.EnterReturn {
		return
	}
	t.calling()
	b.RIP += e.vdso.RetOffset
	for _, r := range [...]decode.Reg{
		decode.RCX, decode.RDX, decode.RSI, decode.RDI, decode.R8, decode.R9, decode.R10, decode.R11,
	} {
		b.Regs[r] = 0
	}
	b.Regs[decode.RAX] = b.Result
	t.stub = e.stubs.EnterFull
}

// calling is the state of a thread in a call through the vDSO, at the entry there.
func (t *Thread) calling() {
	e, b := t.engine, t.block
	b.RIP = e.vdso.Text + uint64(b.ExitArg)*e.vdso.Stride
	b.Flags = initialFlags
	x := t.host.XSave()
	clear(x[:576]) // the part that is there for every CPU
	binary.LittleEndian.PutUint16(x, host.X87Control())
	binary.LittleEndian.PutUint32(x[24:], b.MXCSR)
	x[512] = xstateX87
}

// Calling is the system call that a stopped thread is in.
func (t *Thread) Calling() abi.Call {
	if p := t.place(); p.Doing == InCall {
		return p.Call
	}
	return abi.NumCalls
}

// XState is where the CPU's extended state lies in Registers.XSave: the upper halves of
// ymm0 to 15, and for AVX-512 the mask registers, the upper halves of zmm0 to 15, and
// zmm16 to 31; 0 for what it has not.
func XState() (avx, opmask, zmmHi, zmm16 int) {
	if cpu.X86.HasAVX {
		avx = host.XStateOffset(2)
	}
	if cpu.X86.HasAVX512F {
		opmask, zmmHi, zmm16 = host.XStateOffset(5), host.XStateOffset(6), host.XStateOffset(7)
	}
	return avx, opmask, zmmHi, zmm16
}
