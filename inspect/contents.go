package inspect

import (
	"fmt"

	"cabitrans/runtime/abi"
)

// shortList is how many sites of a finding are named unless all are asked for.
const shortList = 8

// Refused is the report of a file that Open has refused.
func Refused(name string, size int64, err error) *Report {
	return &Report{File: name, Size: size, Why: err.Error()}
}

// Report looks into the program. all lists every site of every finding. The report says that the program would run;
// the caller knows better (Report.Runs, Report.Why). An error is one of reading the file.
func (p *Program) Report(all bool) (*Report, error) {
	limit := shortList
	if all {
		limit = int(p.size)
	}
	c := &Contents{
		Type: "ET_EXEC", Entry: p.placed(p.image.Entry), Segments: p.segments(), Notes: p.notes(),
		Symbols: p.syms.Len(), Relocations: p.relocations(),
	}
	if p.image.PIE {
		c.Type = "ET_DYN"
	}
	if t := p.image.TLS; t != nil {
		c.TLS = &TLS{Size: t.Memsz, FileSize: t.Filesz, Align: t.Align}
	}
	if p.noSym != nil {
		c.SymbolsWhy = p.noSym.Error()
	}
	var err error
	if c.VDSO, err = p.vdsoNames(); err != nil {
		return nil, fmt.Errorf("cannot read its segments: %w", err)
	}
	if err := p.code(c, limit); err != nil {
		return nil, err
	}
	c.Generation = generation(p.image.PIE, c)
	return &Report{File: p.name, Size: p.size, Runs: true, Contents: c}, nil
}

func (p *Program) placed(addr uint64) Place { return Place{Addr(addr), p.place(addr)} }

func (p *Program) segments() []Segment {
	out := []Segment{}
	for _, s := range p.image.Segments {
		out = append(out, Segment{Addr(s.Vaddr), s.Memsz, s.Off, s.Filesz, letters(s.Prot)})
	}
	return out
}

// letters gives a protection as three letters.
func letters(prot abi.Mprot) string {
	s := []byte("---")
	for i, bit := range []abi.Mprot{abi.ProtRead, abi.ProtWrite, abi.ProtExec} {
		if prot&bit != 0 {
			s[i] = "rwx"[i]
		}
	}
	return string(s)
}
