package engine

import (
	"slices"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// An indirect jump needs a register to prove its target, and leaves r11 in Spill[0]. The
// target's landing puts it back, unless it is dead there, or, as in the handlers of an
// interpreter, nobody touches it until the next indirect jump. For these there are tails:
// copies of the code from the target to that jump, during which r11 stays where it is.
// Else every jump would wait for the load of what the one before it has stored.

const (
	// maxTail bounds the instructions of a tail.
	maxTail = 32
	// maxDead bounds those that deadR11 looks at.
	maxDead = 64
)

// land returns the landing for indirect branches to pc, whose translation is at body.
func (e *Engine) land(pc, body uint64) uint64 {
	keep := e.rw.Options.KeepR11
	home := body < host.CacheLo // only continuations of calls are entered, and the ABI lets these have any r11
	if _, vdso := e.vdso.call(pc); !keep && (home || vdso || packed || e.rw.Without&rewrite.WithoutLandings != 0) {
		return body
	}
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	if !keep {
		e.region.begin(pc)
		if e.deadR11(pc) {
			return body
		}
		// A breakpoint is in the translation proper; who watches is told of that only.
		if e.rw.Without&rewrite.WithoutTails == 0 && len(e.breaks) == 0 && e.watcher == nil && e.blocks == nil &&
			e.findTail(pc) {
			return e.emitTail(pc)
		}
	}
	return e.rw.ColdLanding(pc, body)
}

// deadR11 reports whether r11 is sure to be replaced before it is read by the code at pc,
// the region's begin: by an instruction, or because the ABI lets a call or return do so.
func (e *Engine) deadR11(pc uint64) bool {
	var todo, seen [maxDead]uint64
	todo[0] = pc
	for n, looked := 1, 0; n > 0; {
		n--
		for pc := todo[n]; !slices.Contains(seen[:looked], pc); {
			var in decode.Inst
			code := e.bytes(pc)
			if looked == maxDead || n == maxDead || len(code) == 0 || in.Decode(code, pc) != nil || in.Reads.Has(decode.R11) {
				return false
			}
			seen[looked] = pc
			looked++
			if in.Kills.Has(decode.R11) {
				break
			}
			done := false
			pc = in.End()
			switch in.Flow {
			case decode.FlowNext, decode.FlowSyscall:
			case decode.FlowJump:
				pc = in.Target
			case decode.FlowCond, decode.FlowLoop:
				todo[n] = in.Target
				n++
			case decode.FlowCall:
				if e.reads(in.Target, liveR11) {
					return false
				}
				done = true
			case decode.FlowCallInd, decode.FlowRet:
				done = true
			default:
				return false
			}
			if done {
				break
			}
		}
	}
	return true
}

// findTail makes the region's instructions those from pc to the next indirect jump; false
// when it is far, or something else comes before.
func (e *Engine) findTail(pc uint64) bool {
	g := &e.region
	if !e.room(e.rw.Hot, 2*maxTail*rewrite.MaxEmit) {
		return false
	}
	away := true
	for len(g.insts) < maxTail {
		if slices.ContainsFunc(g.insts, func(in decode.Inst) bool { return in.PC == pc }) {
			return false
		}
		code := e.bytes(pc)
		if len(code) == 0 {
			return false
		}
		in := g.another()
		if in.Decode(code, pc) != nil {
			g.insts = g.insts[:len(g.insts)-1]
			return false
		}
		if in.Reads.Has(decode.R11) || in.Writes.Has(decode.R11) {
			away = false
		}
		pc = in.End()
		switch {
		case in.Flow == decode.FlowJump:
			pc = in.Target
		case in.Flow == decode.FlowCond:
		case in.Flow == decode.FlowJumpInd:
			return e.rw.Simple(in) || !away
		case in.Flow != decode.FlowNext || away && !e.rw.Simple(in):
			return false
		}
	}
	return false
}

// A side is where a condition in a tail leads.
type side struct {
	at     int // of its displacement in the hot buffer
	target uint64
	away   bool // r11 is in Spill[0]
}

// emitTail lays out what findTail has found.
func (e *Engine) emitTail(pc uint64) uint64 {
	g, r := &e.region, &e.rw
	start := r.Hot.Len()
	r.Refs = g.refs[:0]
	var room [maxTail]side
	sides := room[:0]
	r.AlignLike(pc, layoutUnit, 0)
	addr := r.Hot.PC()
	r.Away = true
	for i := range g.insts {
		in := &g.insts[i]
		killed := in.Kills.Has(decode.R11)
		if r.Away && !killed && (in.Reads.Has(decode.R11) || in.Writes.Has(decode.R11)) {
			r.Reload(in.PC)
		}
		switch in.Flow {
		case decode.FlowJump:
		case decode.FlowCond:
			sides = append(sides, side{r.Side(in), in.Target, r.Away})
		default:
			r.Inst(in, g.code[in.PC-g.lo:])
		}
		if killed {
			r.Away = false
		}
	}
	for _, s := range sides {
		r.PutSide(s.at)
		if s.away {
			r.Reload(s.target)
		}
		r.Jump(s.target, s.target)
	}
	g.refs = r.Refs
	for _, ref := range g.refs {
		e.resolveRef(ref)
	}
	e.stats.HostBytes += uint64(r.Hot.Len() - start)
	return addr
}
