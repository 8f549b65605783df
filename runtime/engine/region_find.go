package engine

import (
	"errors"
	"slices"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

const (
	// maxRegion bounds the instructions of a region.
	maxRegion = 1024
	// The window is the stretch of guest text a region may cover.
	windowPages = 16
	windowSize  = windowPages * host.PageSize
)

// A region is what is translated at once: the code reachable from an address by
// direct jumps, without following calls, inside a window. It is a scratch area
// that is reused; all of it belongs to Engine.mu.
type region struct {
	lo      uint64 // first address of the window
	code    [windowSize]byte
	have    [windowPages]int16 // bytes of the page that are executable, and copied; -1: not asked yet
	index   [windowSize]uint16 // 1 + number of the instruction that begins here
	insts   []decode.Inst
	host    []uint32    // by instruction: offset in the cache, 0 until it is laid out
	starts  []uint32    // by instruction: see bound
	entries []callEntry // by instruction
	runs    []run
	work    []uint64
	refs    []rewrite.Ref
	rets    []landing

	leafOf    []uint16 // by instruction: 1 + number of the leaf it calls, 0 for none; see leaf.go
	leaves    []leaf
	leafInsts []decode.Inst
	wilds     []wild

	alone  bool    // one instruction from a page that nobody watches: see single.go
	traced bool    // and behind it an exit: see trace.go
	pieces []Piece // for the watcher: see watch.go
	pieced uint64  // host address up to which there are pieces
}

// callEntry says whether a direct call enters the code at an instruction.
type callEntry uint8

const (
	entryWanted callEntry = 1 << iota // some call does
	entryMade                         // and a call entry stands right before the body
	entryLoop                         // a branch goes back to it
)

// A run is a stretch of instructions that follow one another.
type run struct {
	first, last int // instructions [first, last)
	lo          uint64
	end         runEnd
	next        uint64           // where control goes behind the last one
	trap        rewrite.TrapKind // of endsTrap
}

type runEnd uint8

const (
	endsClosed runEnd = iota // the last instruction goes elsewhere
	endsJoin                 // falls through to next, in this region or not
	endsTrap                 // next cannot be decoded
	endsFetch                // next is not executable
)

// A landing is where a call returns to.
type landing struct {
	pc   uint64
	host uint32
}

// begin empties the region, for one that has pc.
func (g *region) begin(pc uint64) {
	for i := range g.insts {
		g.index[g.insts[i].PC-g.lo] = 0
	}
	g.window(pc)
	g.insts, g.host, g.runs, g.work = g.insts[:0], g.host[:0], g.runs[:0], g.work[:0]
	g.refs, g.rets = g.refs[:0], g.rets[:0]
	g.alone, g.traced = false, false
	g.pieces = g.pieces[:0]
}

// window places the window around pc: where it has been, if that leaves a quarter of it on either side.
// Whole pages that have been copied stay: whoever changes them drops all translations, and the copies (forget).
func (g *region) window(pc uint64) {
	const quarter = windowSize / 4
	if g.alone || pc-g.lo-quarter >= windowSize-2*quarter {
		g.lo = 0
		if lo := pc &^ (host.PageSize - 1); lo > quarter {
			g.lo = lo - quarter
		}
		g.forget()
		return
	}
	for i, n := range g.have {
		if n != host.PageSize {
			g.have[i] = -1
		}
	}
}

// forget forgets what the window has of the guest's text.
func (g *region) forget() {
	for i := range g.have {
		g.have[i] = -1
	}
}

// at is 1 + the number of the instruction that begins at pc, or 0.
func (g *region) at(pc uint64) int {
	if d := pc - g.lo; d < windowSize {
		return int(g.index[d])
	}
	return 0
}

// bytes returns the executable bytes from pc on, inside the window: at least 15
// unless executable memory or the window ends before.
func (e *Engine) bytes(pc uint64) []byte {
	g := &e.region
	d := pc - g.lo
	if d >= windowSize {
		return nil
	}
	p := d / host.PageSize
	n := e.load(p)
	end := p*host.PageSize + uint64(n)
	if n == host.PageSize && end-d < decode.MaxLen && p+1 < windowPages {
		end += uint64(e.load(p + 1))
	}
	if d >= end {
		return nil
	}
	return g.code[d:end]
}

// load copies a page of guest text. It is marked as translated before it is
// read, but for an instruction alone: a write through another mapping from then on
// invalidates.
func (e *Engine) load(p uint64) int {
	g := &e.region
	if g.have[p] < 0 {
		pc := g.lo + p*host.PageSize
		if !g.alone {
			e.mem.MarkTranslated(pc, pc+host.PageSize)
		}
		n, _ := e.mem.Fetch(pc, g.code[p*host.PageSize:(p+1)*host.PageSize])
		g.have[p] = int16(n)
	}
	return int(g.have[p])
}

// find discovers the region of pc. It reports whether a continuation of a call
// in it reads what a return loses.
func (e *Engine) find(pc uint64) (reads bool) {
	g := &e.region
	g.begin(pc)
	if e.blocks != nil {
		e.findRun(pc)
		return e.continuationsRead()
	}
	g.work = append(g.work, pc)
	for len(g.work) > 0 {
		pc := g.work[len(g.work)-1]
		g.work = g.work[:len(g.work)-1]
		if pc-g.lo < windowSize && g.at(pc) == 0 && (len(g.insts) == 0 || !e.pages.at(pc).translated()) {
			e.findRun(pc)
		}
	}
	return e.continuationsRead()
}

// continuationsRead reports whether a continuation of a call in the region reads
// r11 or the flags.
func (e *Engine) continuationsRead() bool {
	g := &e.region
	for i := range g.insts {
		f := g.insts[i].Flow
		if (f == decode.FlowCall || f == decode.FlowCallInd) && e.reads(g.insts[i].End(), e.lost()) {
			return true
		}
	}
	return false
}

// another is one more instruction, to be decoded into: it holds anything.
func (g *region) another() *decode.Inst {
	n := len(g.insts)
	g.insts = slices.Grow(g.insts, 1)[:n+1]
	return &g.insts[n]
}

// findRun decodes from pc on until control leaves.
func (e *Engine) findRun(pc uint64) {
	g := &e.region
	r := run{first: len(g.insts), lo: pc}
	var code []byte // from pc on
	for r.end = endsJoin; ; {
		d := pc - g.lo
		if len(g.insts) == maxRegion || g.alone && len(g.insts) == 1 || d >= windowSize || g.index[d] != 0 ||
			pc != r.lo && e.pages.at(pc).translated() {
			break
		}
		if e.breaks != nil && e.breaks[pc] && !g.alone {
			r.end, r.trap = endsTrap, rewrite.TrapDebug
			break
		}
		if len(code) < decode.MaxLen {
			code = e.bytes(pc)
		}
		if len(code) == 0 {
			// Beyond the window another region begins; inside it memory ends.
			r.end = endsFetch
			break
		}
		in := g.another()
		if err := in.Decode(code, pc); err != nil {
			g.insts = g.insts[:len(g.insts)-1]
			switch {
			case errors.Is(err, decode.ErrTooLong):
				r.end, r.trap = endsTrap, rewrite.TrapProtection
			case !errors.Is(err, decode.ErrTruncated):
				r.end, r.trap = endsTrap, rewrite.TrapInvalid
			case pc-g.lo+uint64(len(code)) >= windowSize && len(g.insts) > r.first:
				// The instruction straddles the end of the window.
			default:
				r.end = endsFetch
			}
			break
		}
		if in.Opcode == 0xae && in.LoadsMXCSR() {
			e.controlMXCSR()
		}
		g.index[d] = uint16(len(g.insts))
		pc, code = in.End(), code[in.Len:]
		switch in.Flow {
		case decode.FlowCond, decode.FlowLoop:
			g.work = append(g.work, in.Target)
		case decode.FlowJump:
			g.work = append(g.work, in.Target)
			r.end = endsClosed
		case decode.FlowNext, decode.FlowCall, decode.FlowCallInd, decode.FlowSyscall, decode.FlowXabort:
		default:
			r.end = endsClosed
		}
		if r.end == endsClosed || e.blocks != nil && in.Flow != decode.FlowNext {
			break
		}
	}
	r.last, r.next = len(g.insts), pc
	g.runs = append(g.runs, r)
}
