package engine

import (
	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// A guest that sets the trap flag, by popf or iret, executes one more instruction and
// gets SIGTRAP behind it, which ends it: CloudABI has no handlers. The flag itself
// never reaches the host. The instruction is translated by itself, as in single.go,
// with an exit behind it; branches are carried out here.

// traceNext makes the thread execute the instruction at pc and end behind it.
func (t *Thread) traceNext(pc uint64) *Fault {
	t.block.RIP = pc
	in, err := t.decode(pc)
	if err != nil {
		return t.toCode(pc, false) // it faults by itself
	}
	switch in.Flow {
	case decode.FlowJump, decode.FlowCond, decode.FlowLoop:
		t.block.RIP = in.End()
		if t.taken(&in) {
			t.block.RIP = in.Target
		}
		return t.stepped()
	case decode.FlowCall, decode.FlowRet, decode.FlowJumpInd, decode.FlowCallInd:
		if f := t.nearBranch(&in); f != nil && !f.Fetch {
			return f
		}
		return t.stepped()
	}
	switch {
	case in.Repeats() && in.Class&decode.ClassIO == 0: // one iteration
		if f := t.stringInst(&in, 1); f != nil {
			return f
		}
		return t.stepped()
	case in.Class&decode.ClassPushf != 0: // which shows the flag
		flags := t.block.Flags
		if !t.stepping { // a debugger's step is not to be seen
			flags |= flagTF
		}
		if f := t.push(flags, in.OpSize); f != nil {
			return f
		}
		t.block.RIP = in.End()
		return t.stepped()
	}
	t.letClocks(false) // the thread ends here, or has a debugger
	h, err := t.engine.traced(pc)
	if err != nil {
		return t.fetchFault()
	}
	t.traced, t.tracedPC, t.shadow = true, pc, loadsStack(&in)
	t.block.Entry, t.stub = h, t.engine.stubs.EnterFull
	return nil
}

// traced returns the host address of the instruction at pc, translated alone and with
// an exit behind it.
func (e *Engine) traced(pc uint64) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.findAlone(pc) {
		return 0, errNoCode
	}
	e.region.traced = true
	e.emit(pc, false)
	return host.CacheLo + uint64(e.region.host[0]), nil
}

// endTrace is the fault of a traced thread that has left the guest for another reason
// than the exit behind its instruction; nil if that is still to be executed.
func (t *Thread) endTrace(exit uint32) *Fault {
	t.traced = false
	if t.shadow || exit != host.ExitTrap && t.block.RIP == t.tracedPC {
		return t.traceNext(t.block.RIP)
	}
	return t.stepped()
}

// stepped is the trap behind an instruction that has been executed by itself.
func (t *Thread) stepped() *Fault {
	f := t.fault(SigTRAP)
	f.why = StopStep
	return f
}

// loadsStack reports mov to %ss, behind which no trap comes before the next instruction
// has been executed (AMD64 manual, volume 2, 8.2.2). lss is none.
func loadsStack(in *decode.Inst) bool {
	return in.Class&decode.ClassSegLoad != 0 && in.OpMap == 0 && in.Opcode == 0x8e && in.Reg3() == 2
}

// taken evaluates a direct branch, and counts for loop.
func (t *Thread) taken(in *decode.Inst) bool {
	b := t.block
	switch in.Flow {
	case decode.FlowJump:
		return true
	case decode.FlowCond:
		return condition(in.Opcode&15, b.Flags)
	}
	count := t.sized(in, b.Regs[decode.RCX])
	if in.Opcode == 0xe3 { // jrcxz
		return count == 0
	}
	count = t.sized(in, count-1)
	t.setReg(decode.RCX, in.AddrSize, count)
	equal := b.Flags&flagZF != 0
	return count != 0 && (in.Opcode == 0xe2 || equal == (in.Opcode == 0xe1))
}

// condition evaluates the condition code of jcc (AMD64 manual, volume 3, table 1-14).
func condition(code uint8, flags uint64) (met bool) {
	signed := flags&flagSF != 0 != (flags&flagOF != 0)
	switch code >> 1 {
	case 0:
		met = flags&flagOF != 0
	case 1:
		met = flags&flagCF != 0
	case 2:
		met = flags&flagZF != 0
	case 3:
		met = flags&(flagCF|flagZF) != 0
	case 4:
		met = flags&flagSF != 0
	case 5:
		met = flags&flagPF != 0
	case 6:
		met = signed
	case 7:
		met = signed || flags&flagZF != 0
	}
	return met != (code&1 != 0)
}
