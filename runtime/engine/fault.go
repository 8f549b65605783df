package engine

import (
	"fmt"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// Signals of the host, as faults report them (Linux numbers on every system).
const (
	SigILL  = 4
	SigTRAP = 5
	SigBUS  = 7
	SigFPE  = 8
	SigSEGV = 11
)

// Exception vectors that say more than the signal (AMD64 manual, volume 2, 8.2).
const (
	trapBreakpoint = 3
	trapProtection = 13
	trapPage       = 14
)

// Page-fault error bits.
const (
	pfPresent = 1 << 0
	pfWrite   = 1 << 1
	pfFetch   = 1 << 4
)

// A Fault is what ended a guest: the state is that at the boundary before the
// instruction, with every register as the guest had it.
type Fault struct {
	Signal int    // host signal number
	Addr   uint64 // for SIGSEGV and SIGBUS with HasAddr: the address accessed
	RIP    uint64
	Regs   [16]uint64 // in encoding order
	Flags  uint64

	HasAddr bool
	Write   bool // the access was a write
	Fetch   bool // the access was an instruction fetch
	// Note says what the translator could not do, when that is the reason.
	Note string

	why StopKind // for a debugger: what else than a fault it is; see debug.go
}

func (f *Fault) Error() string {
	return fmt.Sprintf("guest fault: signal %d at %#x", f.Signal, f.RIP)
}

// fault is the state in the thread's block as a Fault.
func (t *Thread) fault(sig int) *Fault {
	b := t.block
	return &Fault{Signal: sig, RIP: b.RIP, Regs: b.Regs, Flags: b.Flags}
}

// fetchFault is the fault of executing at RIP where nothing is executable, or
// where executable memory ends inside the instruction.
func (t *Thread) fetchFault() *Fault {
	var buf [decode.MaxLen]byte
	f := t.fault(SigSEGV)
	m := t.engine.mem
	m.RLock()
	n, _ := m.Fetch(f.RIP, buf[:])
	m.RUnlock()
	f.Addr, f.HasAddr, f.Fetch = f.RIP+uint64(n), true, true
	return f
}

// onFault deals with a host signal in guest mode: a look-up that missed, a write
// to code through another mapping, or the guest's own fault, which is returned.
func (t *Thread) onFault() *Fault {
	b := t.block
	e := t.engine
	if b.FaultSignal == SigTRAP && b.FaultCode == host.TrapPerf {
		return t.onWatch()
	}
	m, ok := e.mark(b.HostPC)
	undone := e.unfinished(b.HostPC, m)
	t.host.Settled()
	if guest, kind := missed(b.HostPC); kind != missNone && b.FaultSignal == SigSEGV {
		return t.missed(guest, kind)
	}
	if inArena(b.HostPC) {
		return t.homeFault()
	}
	if !ok {
		b.RIP = b.HostPC
		if e.home.on.Load() {
			return t.strayed()
		}
		f := t.fault(int(b.FaultSignal))
		f.Note = "the translator has no record of this host address; this is a bug in it"
		return f
	}
	settle(b, m)
	switch {
	case m.Fix&rewrite.FixTable != 0 && m.Fix&rewrite.FixPC != 0:
		t.stats.Misses++
		if packed {
			return t.toTarget(b.RIP, e.hardwareCall(b.HostPC))
		}
		return t.toTarget(b.RIP, m.Fix&rewrite.FixIndex != 0)
	case m.Fix&(rewrite.FixTable|rewrite.FixGuard) != 0:
		t.stats.Misses++
		if m.RSP < 0 { // a return's: its slot lies below rsp, where some hosts write when they report a fault
			_ = host.Store64(b.Regs[decode.RSP], b.Regs[decode.R11])
		}
		return t.branch()
	}
	write := b.FaultTrap == trapPage && b.FaultError&pfWrite != 0
	if write && b.FaultSignal == SigSEGV && e.mem.WriteFault(b.FaultAddr) {
		t.takeBack(undone)
		t.alone = true
		return t.toCode(b.RIP, false)
	}
	if write && e.hardwareCall(b.HostPC) {
		return t.pushed(m)
	}
	t.takeBack(undone)
	return t.access()
}

// access is the guest's own fault.
func (t *Thread) access() *Fault {
	b := t.block
	f := t.fault(int(b.FaultSignal))
	if b.FaultTrap == trapPage {
		f.Addr, f.HasAddr, f.Write = t.faultAddr(), true, b.FaultError&pfWrite != 0
	}
	return f
}

// missed deals with a branch that found nothing in its table.
func (t *Thread) missed(guest uint64, kind miss) *Fault {
	b := t.block
	// After a jump Spill[0] is what r11 is, after a call what it was; after a return
	// r11 is dead, or in Spill[0].
	b.Regs[decode.R11] = b.Spill[0]
	t.stats.Misses++
	if kind == missCall {
		b.Regs[decode.RSP] += 8
	}
	return t.toTarget(guest, kind == missCall)
}

// toTarget makes the thread continue at the target of an indirect branch, which
// gets a landing or a call entry.
func (t *Thread) toTarget(pc uint64, call bool) *Fault {
	if call {
		return t.toCallee(pc)
	}
	return t.toLanding(pc)
}

// hardwareCall reports whether the host instruction at pc, in the code cache, is
// the call that a guest's call ends with.
func (e *Engine) hardwareCall(pc uint64) bool {
	var in decode.Inst
	if in.Decode(e.space.Code()[pc-host.CacheLo:][:decode.MaxLen], pc) != nil {
		return false
	}
	return in.Flow == decode.FlowCall || in.Flow == decode.FlowCallInd
}

// pushed ends a call whose own push has succeeded, while that of the hardware
// call, to the slot below, which a guest need not have, has not. The state is
// settled: that before the call, or that at its target.
func (t *Thread) pushed(m rewrite.Mark) *Fault {
	b := t.block
	if m.Fix&(rewrite.FixPC|rewrite.FixSlotPC) != 0 {
		return t.toCallee(b.RIP)
	}
	in, err := t.decode(b.RIP)
	if err != nil {
		return t.fetchFault()
	}
	if in.Flow == decode.FlowCall {
		b.Regs[decode.RSP] -= 8
		return t.toCode(in.Target, false)
	}
	return t.branch()
}

// faultAddr is the address of a page fault as the guest's own instruction would
// have it: an indirect branch through memory may be translated to a read of the upper half
// first, where the CPU reads the whole slot. An access that straddles two pages faults at
// the first byte in the page at fault.
func (t *Thread) faultAddr() uint64 {
	b := t.block
	in, err := t.decode(b.RIP)
	at := uint64(0)
	switch {
	case err != nil || b.FaultError&pfWrite != 0:
		return b.FaultAddr
	case in.Flow == decode.FlowRet:
		at = b.Regs[decode.RSP]
	case in.HasMem && (in.Flow == decode.FlowJumpInd || in.Flow == decode.FlowCallInd):
		at = t.address(&in)
	default:
		return b.FaultAddr
	}
	if b.FaultAddr-at >= 8 {
		return b.FaultAddr
	}
	return max(at, b.FaultAddr&^(host.PageSize-1))
}

// branch carries out the indirect branch at RIP, whose target is out of range or
// in a part of the table that does not exist yet. A target that is not canonical
// faults at the branch itself (#GP); any other is reached, and may fault there.
func (t *Thread) branch() *Fault {
	b := t.block
	in, target, err := t.branchTarget()
	if err != nil || int64(target)<<16>>16 != int64(target) {
		return t.fault(SigSEGV)
	}
	switch in.Flow {
	case decode.FlowRet:
		b.Regs[decode.RSP] += 8
		if in.ImmLen == 2 {
			b.Regs[decode.RSP] += uint64(uint16(in.Imm))
		}
	case decode.FlowCallInd:
		sp := b.Regs[decode.RSP] - 8
		if host.Store64(sp, in.End()) != nil && t.engine.mem.Store64(sp, in.End()) != nil {
			f := t.fault(SigSEGV)
			f.Addr, f.HasAddr, f.Write = sp, true, true
			return f
		}
		b.Regs[decode.RSP] = sp
	}
	// A strict call goes through the table of landings, by a jump.
	return t.toTarget(target, in.Flow == decode.FlowCallInd && !t.engine.strict())
}

// branchTarget decodes the indirect branch at RIP and evaluates its operand.
func (t *Thread) branchTarget() (in decode.Inst, target uint64, err error) {
	b := t.block
	if in, err = t.decode(b.RIP); err != nil {
		return in, 0, err
	}
	switch {
	case in.Flow == decode.FlowRet:
		target, err = host.Load64(b.Regs[decode.RSP])
	case !in.HasMem:
		target = b.Regs[in.RM()]
	default:
		target, err = host.Load64(t.address(&in))
	}
	return in, target, err
}

// address evaluates the memory operand of in.
func (t *Thread) address(in *decode.Inst) uint64 {
	b := t.block
	addr := uint64(in.Disp)
	switch {
	case in.Base == decode.RIP:
		addr += in.End()
	case in.Base != decode.NoReg:
		addr += b.Regs[in.Base]
	}
	if in.Index != decode.NoReg {
		addr += b.Regs[in.Index] * uint64(in.Scale)
	}
	if in.AddrSize == 4 {
		addr = uint64(uint32(addr))
	}
	return addr + t.segment(in)
}

// decode decodes the guest instruction at pc.
func (t *Thread) decode(pc uint64) (in decode.Inst, err error) {
	var buf [decode.MaxLen]byte
	e := t.engine
	e.mem.RLock()
	n, err := e.mem.Fetch(pc, buf[:])
	e.mem.RUnlock()
	if n == 0 {
		return in, err
	}
	return in, in.Decode(buf[:n], pc)
}
