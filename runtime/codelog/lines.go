package codelog

import (
	"cabitrans/codegen"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/listing"
)

// lines writes the instructions of a region.
type lines struct {
	*Log
	t     *engine.Translation
	names listing.Names
	next  int // the piece that is to be written next
}

func (l *Log) newLines(t *engine.Translation) *lines {
	w := &lines{Log: l, t: t, names: listing.Names{Place: l.place, Host: stubNames(t.Stubs)}}
	for i := range t.Refs {
		b := &t.Refs[i]
		name := l.place(b.Target)
		if name == "" {
			name = l.address(b.Target)
		}
		if b.To == engine.ToExit {
			name += ", by exit_link"
		}
		w.names.Host[b.Host] = name
	}
	return w
}

func stubNames(s *codegen.Stubs) map[uint64]string {
	return map[uint64]string{
		s.ExitLink: "exit_link", s.ExitSyscall: "exit_syscall", s.ExitTrap: "exit_trap", s.ExitCall: "exit_call",
	}
}

// block writes a block: what it is, and its instructions.
func (w *lines) block(b block) {
	if w.items&Blocks != 0 {
		w.printf("block %s: %s, %s; %s\n", w.address(b.lo()), count(b.last-b.first, "instruction"),
			count(int(b.hi()-b.lo()), "byte"), w.ending(b))
	}
	if w.items&(InASM|OutASM) == 0 {
		return
	}
	for k := b.first; k < b.last; k++ {
		in := &b.run.Insts[k]
		code := b.code(in)
		g := listing.Code{Addr: in.PC, Bytes: code, Text: w.names.Guest(in, code)}
		if w.items&OutASM == 0 {
			w.printf("%s\n", listing.Left(' ', &g))
			continue
		}
		w.before(in.PC)
		w.inst(&g)
		w.after(b.run.Next, k == len(b.run.Insts)-1)
	}
}

// inst writes an instruction with its translation.
func (w *lines) inst(g *listing.Code) {
	var host []listing.Code
	mark := byte('*')
	if w.next < len(w.t.Pieces) {
		p := &w.t.Pieces[w.next]
		if p.Len == 0 && w.next+1 < len(w.t.Pieces) && w.t.Pieces[w.next+1].Kind == engine.PieceEnd {
			w.next++ // a jump at the end of a run is laid down there
			p = &w.t.Pieces[w.next]
		}
		code := w.code(p)
		host = w.names.HostCode(code, p.Host)
		if string(code) == string(g.Bytes) {
			mark = ' '
		}
		w.next++
	}
	if w.items&InASM != 0 {
		listing.WriteHost(&w.out, listing.Left(mark, g), host)
		return
	}
	for i := range host {
		w.printf("%s\n", listing.Right(&host[i]))
	}
}

func (w *lines) code(p *engine.Piece) []byte { return w.t.Host[p.Host-w.t.HostPC:][:p.Len] }

// before writes what stands before the translation of the instruction at pc, and skips what was not asked for.
func (w *lines) before(pc uint64) {
	for ; w.next < len(w.t.Pieces); w.next++ {
		switch p := &w.t.Pieces[w.next]; {
		case p.Kind == engine.PieceInst && p.PC == pc:
			return
		case p.Kind == engine.PieceEntry && p.PC == pc:
			w.extra("(where calls enter)", p)
		}
	}
}

// after writes what follows the last instruction of a run.
func (w *lines) after(next uint64, last bool) {
	if last && w.next < len(w.t.Pieces) && w.t.Pieces[w.next].Kind == engine.PieceEnd {
		w.extra("(what follows)", &w.t.Pieces[w.next])
		w.next++
	}
}

// rest writes what a region consists of that has no instruction.
func (w *lines) rest() {
	if len(w.t.Runs) == 1 && len(w.t.Runs[0].Insts) == 0 && w.items&OutASM != 0 {
		for i := range w.t.Pieces {
			w.extra("(no instruction)", &w.t.Pieces[i])
		}
	}
}

// extra writes host code that is of no instruction.
func (w *lines) extra(what string, p *engine.Piece) {
	host := w.names.HostCode(w.code(p), p.Host)
	if w.items&InASM != 0 {
		listing.WriteHost(&w.out, listing.Left('*', &listing.Code{Addr: p.PC, Text: what}), host)
		return
	}
	for i := range host {
		w.printf("%s\n", listing.Right(&host[i]))
	}
}
