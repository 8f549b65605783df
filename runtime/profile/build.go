package profile

import (
	"encoding/binary"
	"io"
	"strconv"

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
	form      form
	program   *Program
	lines     srcline.Table
	mappings  []uint64                   // IDs, by Program.Text
	locations map[uint64]uint64          // IDs, of the program, by address
	functions map[functionID]*functionOf // of the program
	made      map[activity]uint64        // IDs of locations, of made-up functions
}

// begin begins another program, whose functions are others than those before.
func (b *builder) begin(p *Program) {
	b.program, b.lines = p, srcline.Read(p.Exe)
	b.locations, b.functions = make(map[uint64]uint64), make(map[functionID]*functionOf)
	b.made = make(map[activity]uint64)
	b.mappings = nil
	for _, t := range p.Text {
		b.mappings = append(b.mappings, b.form.mapping(mapping{
			start: t.Lo, limit: t.Hi, offset: t.Offset, file: p.File, lines: b.lines != nil,
		}))
	}
}

// add adds the samples of a thread.
func (b *builder) add(t *Thread) {
	thread := strconv.FormatUint(uint64(t.tid), 10)
	for key, n := range t.stacks {
		var stack []uint64
		a := activity(word(key))
		if a.name() != "" {
			stack = append(stack, b.madeUp(a))
		}
		for i := 8; i < len(key); i += 8 {
			addr := word(key[i:])
			if i > 8 || !a.exact() {
				addr-- // into the call
			}
			stack = append(stack, b.location(addr))
		}
		b.form.sample(stack, []int64{*n, *n * t.period}, "thread", thread)
	}
}

func word(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) }

// madeUp is the location of what has no address.
func (b *builder) madeUp(a activity) uint64 {
	id, ok := b.made[a]
	if !ok {
		id = b.form.location(location{function: b.function(a.name(), 0).id})
		b.made[a] = id
	}
	return id
}

// location is that of a guest address.
func (b *builder) location(addr uint64) uint64 {
	if id, ok := b.locations[addr]; ok {
		return id
	}
	p, l := b.program, location{addr: addr}
	for i, t := range p.Text {
		if addr >= t.Lo && addr < t.Hi {
			l.mapping = b.mappings[i]
		}
	}
	name, begin := p.Symbol(addr)
	switch {
	case name != "":
		f := b.function(name, begin)
		l.function, l.line = f.id, b.line(addr, f)
	case addr >= p.VDSO[0] && addr < p.VDSO[1]:
		l.function = b.function("[vdso]", 0).id
	case l.mapping == 0:
		l.function = b.function("[code outside of the executable]", 0).id
	}
	id := b.form.location(l)
	b.locations[addr] = id
	return id
}

// line is the source line of an instruction of f. Of code that was inlined from another
// file it is unknown, 0: that file has no function here.
func (b *builder) line(addr uint64, f *functionOf) int {
	if file, line := b.lines.Find(addr - b.program.Base); file == f.file {
		return line
	}
	return 0
}

// A functionOf is a function that has been added to the profile.
type functionOf struct {
	id   uint64
	file string
}

// function is the function of a name that begins at an address; 0 for a made-up one.
func (b *builder) function(name string, begin uint64) *functionOf {
	id := functionID{name, begin}
	f := b.functions[id]
	if f == nil {
		file, line := "", 0
		if begin != 0 {
			file, line = b.lines.Find(begin - b.program.Base)
		}
		f = &functionOf{b.form.function(name, file, line), file}
		b.functions[id] = f
	}
	return f
}

// functionID tells functions apart: several static ones may have the same name.
type functionID struct {
	name  string
	begin uint64
}
