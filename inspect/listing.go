package inspect

import (
	"bytes"
	"encoding/binary"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/listing"
)

// maxPiece is how many instructions are translated at once: as many as the engine takes.
const maxPiece = 1024

// What a Listing is made of.
type (
	Code = listing.Code
	Line = listing.Line
)

// A translator makes the lines of pieces of code under one strategy.
type translator struct {
	p     *Program
	paper *engine.Paper
	piece []item
	index map[uint64]int // by guest address: number in piece
	names listing.Names
	trap  bool
}

// An item is a guest instruction, or a byte that is none.
type item struct {
	in   decode.Inst
	code []byte
	bad  bool
	trap bool
	host uint64 // where its translation begins
	hot  [2]int // and ends, in the hot buffer
}

func (p *Program) newTranslator(tls rewrite.TLS, o rewrite.Options) *translator {
	t := &translator{p: p, paper: engine.NewPaper(tls, (maxPiece+2)*rewrite.MaxEmit)}
	t.names.Place = p.place
	r := t.paper.Rewriter
	r.Options = o
	r.Known = func(pc uint64) bool { _, ok := t.index[pc]; return ok }
	r.Trapped = func(uint64, rewrite.TrapKind) { t.trap = true }
	return t
}

// decode takes code at addr apart, up to maxPiece instructions, and returns how many bytes they are.
func (t *translator) decode(code []byte, addr uint64) (n int) {
	t.piece, t.index = t.piece[:0], map[uint64]int{}
	for n < len(code) && len(t.piece) < maxPiece {
		var i item
		if err := i.in.Decode(code[n:], addr+uint64(n)); err != nil {
			i.bad, i.in.PC, i.in.Len = true, addr+uint64(n), 1
		}
		i.code = code[n:][:i.in.Len]
		t.index[i.in.PC] = len(t.piece)
		t.piece = append(t.piece, i)
		n += len(i.code)
	}
	return n
}

// translate makes the lines of code at address addr of the file. They cover n bytes: less than len(code) if there are
// more than maxPiece instructions. called tells that addr is where a function begins.
func (t *translator) translate(code []byte, addr uint64, called bool) (lines []Line, n int) {
	t.paper.Reset()
	n = t.decode(code, addr)
	r := t.paper.Rewriter
	if called {
		r.CallEntry(addr)
	}
	entry := r.Hot.Len()
	for i := range t.piece {
		t.emit(i)
	}
	body := r.Hot.Len()
	end := addr + uint64(n)
	if k := len(t.piece); k > 0 && t.piece[k-1].falls() {
		r.Jump(end, end)
	}
	t.resolve(addr, called)
	if called {
		lines = append(lines, Line{Guest: Code{Addr: addr, Text: "(where calls enter)"}, Host: t.hostCode(0, entry), Mark: '*'})
	}
	for i := range t.piece {
		g := &t.piece[i]
		l := Line{Guest: Code{Addr: g.in.PC, Bytes: g.code, Text: t.guestText(g)}, Host: t.hostCode(g.hot[0], g.hot[1]), Mark: t.mark(g)}
		lines = append(lines, l)
	}
	if r.Hot.Len() > body {
		lines = append(lines, Line{Guest: Code{Addr: end, Text: "(what follows)"}, Host: t.hostCode(body, r.Hot.Len()), Mark: '*'})
	}
	return lines, n
}

// emit lays down the translation of item i.
func (t *translator) emit(i int) {
	g, r := &t.piece[i], t.paper.Rewriter
	t.trap = false
	g.host, g.hot[0] = r.Hot.PC(), r.Hot.Len()
	switch in := &g.in; {
	case g.bad:
		r.Trap(in.PC, rewrite.TrapInvalid)
	case in.Flow == decode.FlowJump && in.Target == in.End() && i+1 < len(t.piece):
		// The target follows: the engine leaves the jump out, too.
	default:
		r.Inst(in, g.code)
		if in.Flow == decode.FlowCall || in.Flow == decode.FlowCallInd {
			r.ReturnLanding(in.End())
		}
	}
	g.hot[1], g.trap = r.Hot.Len(), t.trap
}

// mark is Line.Mark of an item, once branches are resolved.
func (t *translator) mark(g *item) byte {
	switch {
	case g.trap:
		return '!'
	case !bytes.Equal(t.paper.Rewriter.Hot.Code(g.hot[0])[:g.hot[1]-g.hot[0]], g.code):
		return '*'
	}
	return ' '
}

// falls reports whether control may reach what follows.
func (g *item) falls() bool {
	switch g.in.Flow {
	case decode.FlowNext, decode.FlowCond, decode.FlowLoop, decode.FlowCall, decode.FlowCallInd, decode.FlowSyscall,
		decode.FlowXabort:
		return !g.bad
	}
	return false
}

// resolve makes branches reach what the piece has of their targets, or the exits that a process has as long as there
// is no translation.
func (t *translator) resolve(addr uint64, called bool) {
	r := t.paper.Rewriter
	t.names.Host = map[uint64]string{
		r.Stubs.ExitLink: "exit_link", r.Stubs.ExitSyscall: "exit_syscall", r.Stubs.ExitTrap: "exit_trap",
		r.Stubs.ExitCall: "exit_call",
	}
	exits := map[rewrite.Ref]uint64{}
	for _, ref := range r.Refs {
		name := t.p.label(ref.Target)
		key := rewrite.Ref{Target: ref.Target, Kind: ref.Kind}
		target, made := exits[key]
		switch i, inside := t.index[ref.Target]; {
		case made:
		case !inside:
			target = r.LinkExit(ref.Target, ref.Kind)
			name += ", by exit_link"
		case ref.Kind == rewrite.RefJump:
			target = t.piece[i].host
		case called && ref.Target == addr:
			target = t.piece[i].host - rewrite.CallEntryLen
		default:
			target = r.ColdCallEntry(ref.Target, t.piece[i].host)
		}
		exits[key] = target
		if t.names.Host[target] == "" {
			t.names.Host[target] = name
		}
		at := int(uint64(ref.Pos) + r.CacheBase - (r.Hot.PC() - uint64(r.Hot.Len())))
		binary.LittleEndian.PutUint32(r.Hot.Code(at), uint32(target-(r.CacheBase+uint64(ref.Pos)+4)))
	}
}

// hostCode decodes what lies in the hot buffer.
func (t *translator) hostCode(from, to int) []Code {
	b := t.paper.Rewriter.Hot
	return t.names.HostCode(b.Code(from)[:to-from], b.PC()-uint64(b.Len())+uint64(from))
}

// guestText is an instruction's text, with the names of addresses in it.
func (t *translator) guestText(g *item) string {
	if g.bad {
		return "(no instruction)"
	}
	return t.names.Guest(&g.in, g.code)
}

// label is a name for an address, whatever is known of it.
func (p *Program) label(addr uint64) string {
	if s := p.place(addr); s != "" {
		return s
	}
	return Addr(addr).String()
}
