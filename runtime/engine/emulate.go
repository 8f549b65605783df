package engine

import (
	"cabitrans/decode"
	"cabitrans/rewrite"
)

// Flags that popf can change in user mode, but for NT, which no program needs and
// which stays clear. TF and AC are virtual: on the host
// they would trap in the emulator, so they are dropped.
const popfMask = 0x240dd5 &^ 0x100 &^ 0x40000

// onTrap does what translated code left to the runtime at RIP.
func (t *Thread) onTrap(kind rewrite.TrapKind) *Fault {
	b := t.block
	switch kind {
	case rewrite.TrapBreakpoint:
		in, err := t.decode(b.RIP)
		if err == nil {
			b.RIP = in.End()
		}
		return t.fault(SigTRAP)
	case rewrite.TrapProtection:
		if in, err := t.decode(b.RIP); err == nil && in.Flow == decode.FlowInt && in.Imm == 4 {
			b.RIP = in.End() // a trap, not a fault
		}
		return t.fault(SigSEGV)
	case rewrite.TrapStep:
		if t.traced {
			return nil // see endTrace
		}
		return t.stepped()
	case rewrite.TrapDebug:
		f := t.fault(SigTRAP)
		f.why = StopBreak
		return f
	case rewrite.TrapInvalid:
		return t.fault(SigILL)
	case rewrite.TrapTarget:
		return t.onTarget()
	case rewrite.TrapFetch:
		return t.toCode(b.RIP, false)
	case rewrite.TrapPopf, rewrite.TrapFSBase, rewrite.TrapXbegin, rewrite.TrapString, rewrite.TrapGather,
		rewrite.TrapFar, rewrite.TrapSegment:
		in, err := t.decode(b.RIP)
		if err != nil {
			return t.fault(SigILL)
		}
		return t.emulate(&in, kind)
	}
	f := t.fault(SigILL)
	f.Note = "the translator does not know how to run this instruction"
	return f
}

func (t *Thread) emulate(in *decode.Inst, kind rewrite.TrapKind) *Fault {
	b := t.block
	switch kind {
	case rewrite.TrapPopf:
		v, f := t.pop(in.OpSize)
		if f != nil {
			return f
		}
		t.setFlags(v, in.OpSize)
		if v&flagTF != 0 {
			return t.traceNext(in.End())
		}
	case rewrite.TrapXbegin:
		b.Regs[decode.RAX] = 0 // no status bit: do not retry
		return t.toCode(in.Target, false)
	case rewrite.TrapGather:
		return t.gather(in)
	case rewrite.TrapString:
		return t.stringInst(in, maxRepeats)
	case rewrite.TrapFar:
		if in.Flow != decode.FlowFar {
			return t.nearBranch(in)
		}
		return t.farTransfer(in)
	case rewrite.TrapSegment:
		if f := t.segmentRegister(in); f != nil {
			return f
		}
	case rewrite.TrapFSBase:
		if f := t.segmentBase(in); f != nil {
			return f
		}
	}
	return t.toCode(in.End(), false)
}
