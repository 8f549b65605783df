package engine

import (
	"cabitrans/decode"
	"cabitrans/rewrite"
)

// A live set is r11, flags of arithmetic, or both: what the ABI makes dead somewhere and
// a translation therefore loses.
type live struct {
	regs  decode.RegSet
	flags uint8
}

var liveR11 = live{regs: 1 << decode.R11}

// lost is what returns lose.
func (e *Engine) lost() live {
	l := liveR11
	if e.rw.Without&rewrite.WithoutFlags == 0 {
		l.flags = decode.FlagsArith
	}
	return l
}

// writesR11 reports whether some instruction in the region may. A function without such
// passes nothing in r11 to those that it calls.
func (g *region) writesR11() bool {
	for i := range g.insts {
		if g.insts[i].Writes.Has(decode.R11) {
			return true
		}
	}
	return false
}

// readsWithin is how many instructions reads looks at: hand-written code that breaks the
// ABI does so at once.
const readsWithin = 8

// reads follows the code at pc, into calls, too, until all that was lost has been replaced
// or some of it is read, no further than the first condition or readsWithin instructions.
func (e *Engine) reads(pc uint64, lost live) bool {
	g := &e.region
	var scratch decode.Inst
	for range readsWithin {
		in := &scratch
		if i := g.at(pc); i != 0 {
			in = &g.insts[i-1]
		} else if code := e.bytes(pc); len(code) == 0 || in.Decode(code, pc) != nil {
			return false
		}
		if in.Reads&lost.regs != 0 || in.FlagsRead&lost.flags != 0 {
			return true
		}
		lost.regs &^= in.Kills
		lost.flags &^= in.FlagsWritten
		if lost == (live{}) {
			return false
		}
		switch in.Flow {
		case decode.FlowJump, decode.FlowCall:
			pc = in.Target
		case decode.FlowNext, decode.FlowSyscall:
			pc = in.End()
		default:
			return false
		}
	}
	return false
}
