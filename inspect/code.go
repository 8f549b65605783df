package inspect

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
)

// What Special.Action may be.
const (
	actionEmulated = "emulated"
	actionFaults   = "faults"
	actionRefused  = "refused"
	moving         = "_moving" // behind one of these: once the program has moved its %fs base
)

// findings collects what the sweep meets.
type findings struct {
	p       *Program
	limit   int // sites of each finding
	plain   *judge
	moving  *judge
	rax     constant
	forms   map[string]*Form
	special map[[2]string]*Special
	raw     map[uint64]*RawSyscall
	c       *Contents
}

// code sweeps all executable segments and fills what Contents has of instructions.
func (p *Program) code(c *Contents, limit int) error {
	f := &findings{p: p, limit: limit, c: c,
		forms: map[string]*Form{}, special: map[[2]string]*Special{}, raw: map[uint64]*RawSyscall{}}
	f.plain, f.moving = newJudge(rewrite.Options{}), newJudge(rewrite.Options{MovingBase: true})
	t := &c.Text
	t.Functions, t.Skipped = len(p.funcs), []Stretch{}
	c.Syscalls.Sites = []Place{}
	for _, s := range p.text {
		code, err := p.read(s.Off, s.Filesz)
		if err != nil {
			return fmt.Errorf("cannot read its instructions: %w", err)
		}
		f.rax = constant{}
		t.Bytes += s.Filesz
		for _, b := range p.sweep(s, code, f.visit) {
			t.Undecodable += b.hi - b.lo
			if len(t.Skipped) < limit {
				t.Skipped = append(t.Skipped, Stretch{Addr(b.lo), Addr(b.hi)})
			}
		}
		for _, k := range p.known(s) {
			t.InFunctions += k.hi - k.lo
		}
	}
	t.Outside = t.Bytes - t.InFunctions
	f.finish()
	return nil
}

// visit takes one instruction at address addr of the file.
func (f *findings) visit(in *decode.Inst, code []byte, addr uint64, inside bool) {
	f.c.Text.Instructions++
	if in.Flow == decode.FlowSyscall {
		f.syscall(addr)
	}
	f.rax.after(in)
	if in.SegMatters() && in.Seg == decode.SegGS {
		f.c.GS++
	}
	kind, trapped := f.plain.trap(in, code)
	if trapped && (inside || kind != rewrite.TrapBreakpoint) { // linkers pad with int3
		f.note(actionOf(kind), code, addr)
	}
	if !in.SegMatters() || in.Seg != decode.SegFS {
		return
	}
	text := formOf(code, addr)
	form := f.forms[text]
	if form == nil {
		form = &Form{Text: text, Sites: []Place{}}
		f.forms[text] = form
	}
	f.c.FS.Count++
	form.Count++
	form.Sites = f.site(form.Sites, addr)
	if !trapped {
		if kind, trapped := f.moving.trap(in, code); trapped {
			f.note(actionOf(kind)+moving, code, addr)
		}
	}
}

func (f *findings) site(list []Place, addr uint64) []Place {
	if len(list) < f.limit {
		list = append(list, f.p.placed(addr))
	}
	return list
}

func (f *findings) note(action string, code []byte, addr uint64) {
	key := [2]string{action, formOf(code, addr)}
	s := f.special[key]
	if s == nil {
		s = &Special{Action: action, Text: key[1], Sites: []Place{}}
		f.special[key] = s
	}
	s.Count++
	s.Sites = f.site(s.Sites, addr)
}

func (f *findings) syscall(addr uint64) {
	s := &f.c.Syscalls
	s.Count++
	if !f.rax.known {
		s.Unknown++
		s.Sites = f.site(s.Sites, addr)
		return
	}
	r := f.raw[f.rax.value]
	if r == nil {
		r = &RawSyscall{Number: f.rax.value, Sites: []Place{}}
		if call, ok := abi.ByNum2016(f.rax.value); ok {
			r.Name = call.Info().Name
		}
		f.raw[f.rax.value] = r
	}
	r.Count++
	r.Sites = f.site(r.Sites, addr)
}

// finish puts what maps hold in order.
func (f *findings) finish() {
	c := f.c
	c.Syscalls.Calls, c.FS.Forms, c.Special = []RawSyscall{}, []Form{}, []Special{}
	for _, r := range f.raw {
		c.Syscalls.Calls = append(c.Syscalls.Calls, *r)
	}
	for _, form := range f.forms {
		c.FS.Forms = append(c.FS.Forms, *form)
	}
	for _, s := range f.special {
		c.Special = append(c.Special, *s)
	}
	slices.SortFunc(c.Syscalls.Calls, func(a, b RawSyscall) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(c.FS.Forms, func(a, b Form) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
	slices.SortFunc(c.Special, func(a, b Special) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
}

// actionOf says what becomes of an instruction that the translator makes a trap of.
func actionOf(kind rewrite.TrapKind) string {
	switch kind {
	case rewrite.TrapPopf, rewrite.TrapFSBase, rewrite.TrapXbegin, rewrite.TrapString, rewrite.TrapGather,
		rewrite.TrapFar, rewrite.TrapSegment:
		return actionEmulated
	case rewrite.TrapUnsupported:
		return actionRefused
	}
	return actionFaults
}

// A judge asks the translator what it makes of instructions.
type judge struct {
	paper *engine.Paper
	kind  rewrite.TrapKind
	told  bool
}

const judgeRoom = 64 << 10

func newJudge(o rewrite.Options) *judge {
	j := &judge{paper: engine.NewPaper(rewrite.GS{}, judgeRoom)}
	j.paper.Rewriter.Options = o
	j.paper.Rewriter.Trapped = func(_ uint64, kind rewrite.TrapKind) { j.kind, j.told = kind, true }
	return j
}

// trap reports whether in becomes a trap, and which.
func (j *judge) trap(in *decode.Inst, code []byte) (rewrite.TrapKind, bool) {
	r := j.paper.Rewriter
	if r.Hot.Room() < rewrite.MaxEmit || r.Cold.Room() < rewrite.MaxEmit {
		j.paper.Reset()
	}
	j.told = false
	r.Inst(in, code)
	return j.kind, j.told
}

// register finds names of general and vector registers in the text of an instruction.
var register = regexp.MustCompile(`%(r(?:[a-ds][xpi]|[sb]p|[sd]i|\d+)|e(?:[a-d]x|[sb]p|[sd]i)|r\d+d|r\d+w|[xyz]mm\d+)\b`)

// formOf is the text of an instruction with its registers made alike; an address that is relative to the instruction
// is left out.
func formOf(code []byte, addr uint64) string {
	text := decode.Text(code, addr, nil)
	if _, facts, ok := strings.Cut(text, " # "); ok {
		return "(" + facts + ")" // there is no mnemonic
	}
	return register.ReplaceAllStringFunc(text, func(name string) string {
		switch {
		case strings.HasSuffix(name, "d") || name[1] == 'e':
			return "%r32"
		case strings.HasSuffix(name, "w"):
			return "%r16"
		case name[2] == 'm':
			return name[:4]
		}
		return "%r64"
	})
}
