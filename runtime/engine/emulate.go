package engine

import (
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
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
		return t.fault(SigSEGV)
	case rewrite.TrapInvalid:
		return t.fault(SigILL)
	case rewrite.TrapFetch:
		return t.toCode(b.RIP, false)
	case rewrite.TrapPopf, rewrite.TrapFSBase, rewrite.TrapXbegin, rewrite.TrapString, rewrite.TrapGather:
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
		sp := b.Regs[decode.RSP]
		v, err := host.Load64(sp)
		mask, size := uint64(popfMask), uint64(8)
		if in.OpSize == 2 {
			var w [2]byte
			_, err = host.CopyIn(w[:], sp)
			v, size, mask = uint64(w[0])|uint64(w[1])<<8, 2, mask&0xffff
		}
		if err != nil {
			f := t.fault(SigSEGV)
			f.Addr, f.HasAddr = sp, true
			return f
		}
		b.Flags = b.Flags&^mask | v&mask
		b.Regs[decode.RSP] = sp + size
	case rewrite.TrapXbegin:
		b.Regs[decode.RAX] = 0 // no status bit: do not retry
		return t.toCode(in.Target, false)
	case rewrite.TrapGather:
		return t.gather(in)
	case rewrite.TrapString:
		return t.stringInst(in, maxRepeats)
	case rewrite.TrapFSBase:
		if f := t.segmentBase(in); f != nil {
			return f
		}
	}
	return t.toCode(in.End(), false)
}

// segmentBase emulates rdfsbase, rdgsbase, wrfsbase and wrgsbase (0F AE /0 to
// /3). The guest's %gs base is always 0, and only 0 can be written to it.
func (t *Thread) segmentBase(in *decode.Inst) *Fault {
	b := t.block
	reg := in.RM()
	v := b.Regs[reg]
	if in.OpSize == 4 {
		v = uint64(uint32(v))
	}
	switch in.Reg3() {
	case 0:
		v = b.FSBase
		if in.OpSize == 4 {
			v = uint64(uint32(v))
		}
		b.Regs[reg] = v
	case 1:
		b.Regs[reg] = 0
	case 2:
		if int64(v)<<16>>16 != int64(v) {
			return t.fault(SigSEGV)
		}
		t.engine.MoveBase(b, v)
	case 3:
		if v != 0 {
			f := t.fault(SigILL)
			f.Note = "the translator does not support a %gs base other than 0"
			return f
		}
	}
	return nil
}
