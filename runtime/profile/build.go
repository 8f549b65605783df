package profile

import (
	"encoding/binary"
	"strconv"

	"github.com/google/pprof/profile"
)

// A Program says what the addresses in samples mean.
type Program struct {
	File string // path of the executable
	Text []Text // its executable segments
	VDSO [2]uint64
	// Symbol names the function that a guest address is in; empty when it is unknown.
	Symbol func(addr uint64) string
}

// Text is a segment in memory, from Lo to Hi, pages that are Offset bytes into the file.
type Text struct{ Lo, Hi, Offset uint64 }

// A builder makes pprof's form of samples.
type builder struct {
	profile   profile.Profile
	program   *Program
	mappings  []*profile.Mapping             // by Program.Text
	locations map[uint64]*profile.Location   // of the program, by address
	functions map[string]*profile.Function   // of the program, by name
	made      map[activity]*profile.Location // of made-up functions
}

// begin begins another program. A function of the same name is another one there.
func (b *builder) begin(p *Program) {
	b.program = p
	b.locations, b.functions = make(map[uint64]*profile.Location), make(map[string]*profile.Function)
	b.made = make(map[activity]*profile.Location)
	b.mappings = nil
	for _, t := range p.Text {
		m := &profile.Mapping{
			ID: uint64(len(b.profile.Mapping) + 1), Start: t.Lo, Limit: t.Hi, Offset: t.Offset,
			File: p.File, HasFunctions: true,
		}
		b.profile.Mapping, b.mappings = append(b.profile.Mapping, m), append(b.mappings, m)
	}
}

// add adds the samples of a thread.
func (b *builder) add(t *Thread) {
	label := map[string][]string{"thread": {strconv.FormatUint(uint64(t.tid), 10)}}
	for key, n := range t.stacks {
		s := &profile.Sample{Value: []int64{*n, *n * t.period}, Label: label}
		a := activity(word(key))
		if a.name() != "" {
			s.Location = append(s.Location, b.madeUp(a))
		}
		for i := 8; i < len(key); i += 8 {
			addr := word(key[i:])
			if i > 8 || !a.exact() {
				addr-- // into the call
			}
			s.Location = append(s.Location, b.location(addr))
		}
		b.profile.Sample = append(b.profile.Sample, s)
	}
}

func word(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) }

// madeUp is the location of what has no address.
func (b *builder) madeUp(a activity) *profile.Location {
	if b.made[a] == nil {
		b.made[a] = b.newLocation(0, a.name())
	}
	return b.made[a]
}

// location is that of a guest address.
func (b *builder) location(addr uint64) *profile.Location {
	if l := b.locations[addr]; l != nil {
		return l
	}
	p := b.program
	name := p.Symbol(addr)
	if name == "" && addr >= p.VDSO[0] && addr < p.VDSO[1] {
		name = "[vdso]"
	}
	l := b.newLocation(addr, name)
	for i, t := range p.Text {
		if addr >= t.Lo && addr < t.Hi {
			l.Mapping = b.mappings[i]
		}
	}
	if name == "" && l.Mapping == nil {
		l.Line = []profile.Line{{Function: b.function("[code outside of the executable]")}}
	}
	b.locations[addr] = l
	return l
}

func (b *builder) newLocation(addr uint64, name string) *profile.Location {
	l := &profile.Location{ID: uint64(len(b.profile.Location) + 1), Address: addr}
	if name != "" {
		l.Line = []profile.Line{{Function: b.function(name)}}
	}
	b.profile.Location = append(b.profile.Location, l)
	return l
}

func (b *builder) function(name string) *profile.Function {
	f := b.functions[name]
	if f == nil {
		f = &profile.Function{ID: uint64(len(b.profile.Function) + 1), Name: name, SystemName: name}
		b.functions[name] = f
		b.profile.Function = append(b.profile.Function, f)
	}
	return f
}
