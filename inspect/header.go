package inspect

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

const (
	phdrSize = 56
	dynSize  = 16
	relaSize = 24

	maxNotes = 64 << 10 // bytes of a PT_NOTE that are read
	maxDesc  = 64       // bytes of a note that are shown
)

// notes reads all PT_NOTE. A malformed one ends where it stops making sense.
func (p *Program) notes() []Note {
	out := []Note{}
	le := binary.LittleEndian
	for b := p.image.Phdrs; len(b) >= phdrSize; b = b[phdrSize:] {
		if elf.ProgType(le.Uint32(b)) != elf.PT_NOTE {
			continue
		}
		if data, err := p.read(le.Uint64(b[8:]), min(le.Uint64(b[32:]), maxNotes)); err == nil {
			out = append(out, parseNotes(data)...)
		}
	}
	return out
}

// parseNotes takes apart: length of the name, of the description, type; then both, each padded to 4 bytes.
func parseNotes(b []byte) (out []Note) {
	le := binary.LittleEndian
	for len(b) >= 12 {
		name, desc := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
		n := Note{Type: le.Uint32(b[8:])}
		b = b[12:]
		if name > uint64(len(b)) || desc > uint64(len(b)) || pad(name)+desc > uint64(len(b)) {
			return out
		}
		n.Name = strings.ToValidUTF8(strings.TrimRight(string(b[:name]), "\x00"), "?")
		n.Desc = hex.EncodeToString(b[pad(name):][:min(desc, maxDesc)])
		out = append(out, n)
		b = b[min(pad(name)+pad(desc), uint64(len(b))):]
	}
	return out
}

func pad(n uint64) uint64 { return (n + 3) &^ 3 }

// relocations counts what the dynamic section announces: DT_RELA and DT_JMPREL, the tables of this processor.
func (p *Program) relocations() (r Relocations) {
	d := p.image.Dynamic
	le := binary.LittleEndian
	var tag [64]uint64 // values of the tags below 64
	for b := p.at(d.Vaddr, d.Size/dynSize*dynSize); len(b) >= dynSize; b = b[dynSize:] {
		t := le.Uint64(b)
		if t == uint64(elf.DT_NULL) {
			break
		}
		if t < uint64(len(tag)) {
			tag[t] = le.Uint64(b[8:])
		}
	}
	for _, table := range [][2]elf.DynTag{{elf.DT_RELA, elf.DT_RELASZ}, {elf.DT_JMPREL, elf.DT_PLTRELSZ}} {
		for b := p.at(tag[table[0]], tag[table[1]]); len(b) >= relaSize; b = b[relaSize:] {
			r.Count++
			if elf.R_TYPE64(le.Uint64(b[8:])) == uint32(elf.R_X86_64_RELATIVE) {
				r.Relative++
			}
		}
	}
	return r
}
