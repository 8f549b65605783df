package engine

import (
	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// A Watcher is told what becomes of translations, in the order in which it happens: by the thread that translates,
// with Engine.mu and the address space's lock held. It must not call the engine, and what it is given lasts as long
// as the call.
type Watcher interface {
	// Translated: a region has been translated. Its branches lead where Refs say.
	Translated(*Translation)
	// Linked: a branch, in the translation of the instruction at from, has been made to reach target's, which it had
	// to wait for.
	Linked(from, target uint64, kind rewrite.RefKind)
	// Missed: an indirect branch to target found nothing in its look-up table, and will from now on.
	Missed(target uint64, call bool)
	// Dropped: all translations and links are gone.
	Dropped(why Drop)
}

// Drop is why translations are dropped.
type Drop uint8

// The reasons.
const (
	DropFull    Drop = iota // the code cache is
	DropCode                // guest code that was translated is about to change
	DropOptions             // the process needs translations of another kind
)

// A Translation is a region: what was translated at once.
type Translation struct {
	Entry  uint64 // where a thread wants to go
	Called bool   // by a direct call
	Alone  bool   // one instruction, to be executed once (single.go)
	VDSO   bool   // no guest instructions, but the exit of a system call
	Runs   []Run  // ascending by address
	Refs   []Branch
	Stubs  *codegen.Stubs
	Pieces []Piece // in the order of host addresses
	Host   []byte  // all hot code, which lies at HostPC
	HostPC uint64
}

// A Run is a stretch of instructions that follow one another.
type Run struct {
	PC, Next uint64 // its first instruction, and what is behind the last
	Insts    []decode.Inst
	Code     []byte
	End      RunEnd
}

// RunEnd is why a run has no more instructions.
type RunEnd uint8

// The ends.
const (
	EndsClosed RunEnd = iota // the last instruction goes elsewhere
	EndsJoin                 // Next is in another run, or another region
	EndsTrap                 // Next cannot be decoded
	EndsFetch                // Next is not executable
)

// A Branch is one of the region's that has a fixed target.
type Branch struct {
	From, Target uint64
	Kind         rewrite.RefKind
	To           BranchTo
	Host         uint64 // the host address it leads to
}

// BranchTo says what a branch reaches.
type BranchTo uint8

// What there is.
const (
	ToInside BranchTo = iota // code of the same region
	ToLinked                 // code of another
	ToExit                   // an exit, since the target has no translation yet
)

// A Piece is a part of the hot code, from Host up to Host+Len.
type Piece struct {
	Host uint64
	Len  int
	Kind PieceKind
	PC   uint64 // of PieceInst its address, of the others what they stand before or behind
}

// PieceKind is what host code is for.
type PieceKind uint8

// The kinds.
const (
	PiecePad   PieceKind = iota // no-operations
	PieceEntry                  // where calls enter
	PieceInst                   // the translation of an instruction
	PieceEnd                    // what follows a run's last instruction
)

// Watch makes w the engine's watcher, before the first thread.
func (e *Engine) Watch(w Watcher) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watcher = w
}

// piece notes, if somebody watches, that the hot code since the last piece is of a kind.
func (e *Engine) piece(kind PieceKind, pc uint64) {
	if e.watcher == nil {
		return
	}
	g := &e.region
	lo, hi := g.pieced, e.rw.Hot.PC()
	if lo < hi || kind == PieceInst {
		g.pieces = append(g.pieces, Piece{Host: lo, Len: int(hi - lo), Kind: kind, PC: pc})
	}
	g.pieced = hi
}

// tellTranslated tells of the region that has been emitted from offset start of the hot buffer on; its branches are
// resolved, but it is not published.
func (e *Engine) tellTranslated(entry uint64, called bool, start int) {
	if e.watcher == nil {
		return
	}
	g := &e.region
	code := e.rw.Hot.Code(start)
	t := Translation{
		Entry: entry, Called: called, Alone: g.alone, Stubs: e.stubs,
		Pieces: g.pieces, Host: code, HostPC: e.rw.Hot.PC() - uint64(len(code)),
	}
	for i := range g.runs {
		r := &g.runs[i]
		run := Run{PC: r.lo, Next: r.next, Insts: g.insts[r.first:r.last], End: RunEnd(r.end)}
		if r.first < r.last {
			run.Code = g.code[r.lo-g.lo : g.insts[r.last-1].End()-g.lo]
		}
		t.Runs = append(t.Runs, run)
	}
	for _, ref := range g.refs {
		b := Branch{From: e.guestOf(ref.Pos), Target: ref.Target, Kind: ref.Kind}
		switch {
		case e.enters(ref.Target) != 0:
		case e.pages.at(ref.Target).translated():
			b.To = ToLinked
		default:
			b.To = ToExit
		}
		p, next := e.space.Code()[ref.Pos:], host.CacheLo+uint64(ref.Pos)
		if ref.Kind == rewrite.RefShort {
			b.Host = next + 1 + uint64(int64(int8(p[0])))
		} else {
			d := int32(uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24)
			b.Host = next + 4 + uint64(int64(d))
		}
		t.Refs = append(t.Refs, b)
	}
	e.watcher.Translated(&t)
}

// guestOf is the guest instruction whose translation has offset off of the code cache; 0 for none.
func (e *Engine) guestOf(off uint32) uint64 {
	m, _ := e.findMark(uint64(off))
	return uint64(m.Guest)
}
