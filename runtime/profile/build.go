package profile

import (
	"encoding/binary"
	"io"
	"strconv"

	"github.com/google/pprof/profile"

	"cabitrans/runtime/srcline"
)

// A Program says what the addresses in samples mean.
type Program struct {
	File string      // path of the executable
	Exe  io.ReaderAt // its content, for line numbers; may be nil
	Base uint64      // what was added to its link-time addresses
	Text []Text      // its executable segments
	VDSO [2]uint64   // where it begins and ends
	// Symbol names the function that a guest address is in, and says where that begins; the
	// name is empty when it is unknown.
	Symbol func(addr uint64) (name string, begin uint64)
}

// Text is a segment in memory, from Lo to Hi, pages that are Offset bytes into the file.
type Text struct{ Lo, Hi, Offset uint64 }

// A builder makes pprof's form of samples.
type builder struct {
	profile   profile.Profile
	program   *Program
	lines     srcline.Table
	mappings  []*profile.Mapping               // by Program.Text
	locations map[uint64]*profile.Location     // of the program, by address
	functions map[functionID]*profile.Function // of the program
	made      map[activity]*profile.Location   // of made-up functions
}

// begin begins another program, whose functions are others than those before.
func (b *builder) begin(p *Program) {
	b.program, b.lines = p, srcline.Read(p.Exe)
	b.locations, b.functions = make(map[uint64]*profile.Location), make(map[functionID]*profile.Function)
	b.made = make(map[activity]*profile.Location)
	b.mappings = nil
	for _, t := range p.Text {
		m := &profile.Mapping{
			ID: uint64(len(b.profile.Mapping) + 1), Start: t.Lo, Limit: t.Hi, Offset: t.Offset,
			File: p.File, HasFunctions: true, HasFilenames: b.lines != nil, HasLineNumbers: b.lines != nil,
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
		l := b.newLocation(0)
		l.Line = []profile.Line{{Function: b.function(a.name(), 0)}}
		b.made[a] = l
	}
	return b.made[a]
}

// location is that of a guest address.
func (b *builder) location(addr uint64) *profile.Location {
	if l := b.locations[addr]; l != nil {
		return l
	}
	p := b.program
	l := b.newLocation(addr)
	b.locations[addr] = l
	for i, t := range p.Text {
		if addr >= t.Lo && addr < t.Hi {
			l.Mapping = b.mappings[i]
		}
	}
	name, begin := p.Symbol(addr)
	switch {
	case name != "":
		l.Line = []profile.Line{b.line(addr, b.function(name, begin))}
	case addr >= p.VDSO[0] && addr < p.VDSO[1]:
		l.Line = []profile.Line{{Function: b.function("[vdso]", 0)}}
	case l.Mapping == nil:
		l.Line = []profile.Line{{Function: b.function("[code outside of the executable]", 0)}}
	}
	return l
}

// line is the source line of an instruction of f. Of code that was inlined from another
// file it is unknown: that file has no function here.
func (b *builder) line(addr uint64, f *profile.Function) profile.Line {
	l := profile.Line{Function: f}
	if file, line := b.lines.Find(addr - b.program.Base); file == f.Filename {
		l.Line = int64(line)
	}
	return l
}

func (b *builder) newLocation(addr uint64) *profile.Location {
	l := &profile.Location{ID: uint64(len(b.profile.Location) + 1), Address: addr}
	b.profile.Location = append(b.profile.Location, l)
	return l
}

// function is the function of a name that begins at an address; 0 for a made-up one.
func (b *builder) function(name string, begin uint64) *profile.Function {
	id := functionID{name, begin}
	f := b.functions[id]
	if f == nil {
		f = &profile.Function{ID: uint64(len(b.profile.Function) + 1), Name: name, SystemName: name}
		if begin != 0 {
			file, line := b.lines.Find(begin - b.program.Base)
			f.Filename, f.StartLine = file, int64(line)
		}
		b.functions[id] = f
		b.profile.Function = append(b.profile.Function, f)
	}
	return f
}

// functionID tells functions apart: several static ones may have the same name.
type functionID struct {
	name  string
	begin uint64
}
