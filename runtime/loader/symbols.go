package loader

import (
	"debug/elf"
	"encoding/binary"
	"io"
	"strings"
)

// Limits of what Symbols reads; the largest known programs stay below a tenth of them.
const (
	maxSymbols = 4 << 20   // entries of a symbol table
	maxStrtab  = 256 << 20 // bytes of a string table
	symChunk   = 2048      // entries read at once
)

// section is the part of a section header that symbols need.
type section struct {
	typ       elf.SectionType
	link      uint32
	mem       Range // absent unless the section is in memory
	off, size uint64
}

// Symbols reads the symbol table of an executable of size bytes, or the dynamic one if it was stripped. An executable
// without symbols gives nil and no error. Symbols serve reports only, so callers may go on after an error, which says
// why there are none: ErrSymbols, what Parse says of the ELF header, or an error of r. Either way the nil *SymTab
// works.
func Symbols(r io.ReaderAt, size int64) (*SymTab, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	sections, err := readSections(r, h, uint64(size))
	if err != nil {
		return nil, err
	}
	for _, typ := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		t, typeErr := readSymtab(r, sections, typ, uint64(size))
		if typeErr == nil && t != nil {
			return t, nil
		}
		if err == nil {
			err = typeErr
		}
	}
	return nil, err
}

// readSections reads the section headers. More than 0xfeff of them, which ELF counts in another place, are taken for
// none: only object files have so many.
func readSections(r io.ReaderAt, h *header, size uint64) ([]section, error) {
	if h.shoff == 0 || h.shnum == 0 || h.shnum >= int(elf.SHN_LORESERVE) {
		return nil, nil
	}
	if h.shentsize != shdrSize {
		return nil, bad(ErrSymbols, "section headers are %d bytes long instead of %d; build the program again",
			h.shentsize, shdrSize)
	}
	n := uint64(h.shnum) * shdrSize
	if !within(h.shoff, n, size) {
		return nil, bad(ErrSymbols, "the section headers lie outside the file; copy or build it again")
	}
	b := make([]byte, n)
	if err := readFull(r, b, h.shoff, "section headers"); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	sections := make([]section, h.shnum)
	for i := range sections {
		b := b[i*shdrSize:]
		s := section{typ: elf.SectionType(le.Uint32(b[4:])), link: le.Uint32(b[40:])}
		s.off, s.size = le.Uint64(b[24:]), le.Uint64(b[32:])
		if elf.SectionFlag(le.Uint64(b[8:]))&elf.SHF_ALLOC != 0 {
			s.mem = Range{le.Uint64(b[16:]), s.size}
		}
		sections[i] = s
	}
	return sections, nil
}

// within reports whether n bytes at off lie in a file of size bytes.
func within(off, n, size uint64) bool { return off <= size && n <= size-off }

// readSymtab reads the first symbol table of a type; nil if there is none or if it names nothing in memory.
func readSymtab(r io.ReaderAt, sections []section, typ elf.SectionType, size uint64) (*SymTab, error) {
	i := 0
	for ; i < len(sections) && sections[i].typ != typ; i++ {
	}
	if i == len(sections) {
		return nil, nil
	}
	s := sections[i]
	const again = "copy or build the program again, or strip it"
	if !within(s.off, s.size, size) || s.size/symSize > maxSymbols {
		return nil, bad(ErrSymbols, "section %d has %#x bytes at %#x of a file of %#x; %s", i, s.size, s.off, size, again)
	}
	if uint64(s.link) >= uint64(len(sections)) || sections[s.link].typ != elf.SHT_STRTAB {
		return nil, bad(ErrSymbols, "section %d names section %d for its strings, which holds none; %s", i, s.link, again)
	}
	str := sections[s.link]
	if !within(str.off, str.size, size) || str.size > maxStrtab {
		return nil, bad(ErrSymbols, "section %d has %#x bytes at %#x of a file of %#x; %s",
			s.link, str.size, str.off, size, again)
	}
	var names strings.Builder
	names.Grow(int(str.size))
	if n, err := io.Copy(&names, io.NewSectionReader(r, int64(str.off), int64(str.size))); err != nil {
		return nil, err
	} else if uint64(n) != str.size {
		return nil, bad(ErrTruncated, "it ends inside the names of symbols; copy or build it again")
	}
	t := &SymTab{names: names.String()}
	if err := t.read(r, s, sections); err != nil {
		return nil, err
	}
	if len(t.syms) == 0 {
		return nil, nil
	}
	t.finish()
	return t, nil
}

// read appends the usable entries of a symbol table; the others name files, sections, thread-local or absolute values,
// or are malformed.
func (t *SymTab) read(r io.ReaderAt, s section, sections []section) error {
	var buf [symChunk * symSize]byte
	for left, off := s.size/symSize*symSize, s.off; left > 0; {
		b := buf[:min(left, uint64(len(buf)))]
		if err := readFull(r, b, off, "symbol table"); err != nil {
			return err
		}
		left, off = left-uint64(len(b)), off+uint64(len(b))
		for ; len(b) > 0; b = b[symSize:] {
			if sym, ok := t.decode(b, sections); ok {
				t.syms = append(t.syms, sym)
			}
		}
	}
	return nil
}

// decode takes the entry at b.
func (t *SymTab) decode(b []byte, sections []section) (symbol, bool) {
	le := binary.LittleEndian
	s := symbol{name: le.Uint32(b), addr: le.Uint64(b[8:]), size: le.Uint64(b[16:])}
	switch elf.SymType(b[4] & 0xf) {
	case elf.STT_FUNC, elf.STT_GNU_IFUNC:
		s.fn = true
	case elf.STT_NOTYPE, elf.STT_OBJECT:
	default:
		return s, false
	}
	switch elf.SymBind(b[4] >> 4) {
	case elf.STB_GLOBAL:
		s.bind = 2
	case elf.STB_WEAK:
		s.bind = 1
	}
	ndx := int(le.Uint16(b[6:]))
	if ndx == int(elf.SHN_UNDEF) || ndx >= len(sections) || s.addr >= maxAddr || s.size > MaxSpan {
		return s, false
	}
	if uint64(s.name) >= uint64(len(t.names)) || t.names[s.name] == 0 {
		return s, false
	}
	s.end = s.addr + s.size
	if mem := sections[ndx].mem; s.size == 0 && s.addr-mem.Vaddr < mem.Size {
		s.end = mem.Vaddr + mem.Size
	}
	return s, true
}
