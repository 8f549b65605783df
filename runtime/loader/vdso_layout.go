package loader

import (
	"debug/elf"
	"encoding/binary"

	"cabitrans/runtime/abi"
)

// Sections of the vDSO, in the order of their headers and of their places in the file but for vText, which begins the
// first page after everything else.
const (
	vNull = iota
	vDynsym
	vDynstr
	vHash
	vDynamic
	vText
	vShstrtab
	vSections
)

const (
	vdsoPhnum = 3 // PT_LOAD R, PT_LOAD R+X, PT_DYNAMIC
	vdsoDynum = 7
)

// vdsoPart is a section of the vDSO; off is its address too.
type vdsoPart struct {
	name      uint32 // offset in .shstrtab
	off, size uint64
}

type layout struct {
	part  [vSections]vdsoPart
	shdrs uint64 // offset of the section headers
}

// vdsoLayout gives every part its place. The section headers and their names are in the read-only pages, in space that
// would be padding, so that the file is no longer than what is mapped.
func vdsoLayout(names []string, dynstr uint64, shstr *strtab) *layout {
	l := new(layout)
	for i, name := range []string{"", ".dynsym", ".dynstr", ".hash", ".dynamic", ".text", ".shstrtab"} {
		l.part[i].name = shstr.add(name)
	}
	n := uint64(len(names))
	off := uint64(ehdrSize + vdsoPhnum*phdrSize)
	place := func(i int, size uint64) {
		off = (off + 7) &^ 7
		l.part[i].off, l.part[i].size = off, size
		off += size
	}
	place(vDynsym, (n+1)*symSize)
	place(vDynstr, dynstr)
	place(vHash, 4*(2+uint64(vdsoBuckets(len(names)))+n+1))
	place(vDynamic, vdsoDynum*dynSize)
	place(vShstrtab, shstr.size())
	l.shdrs = (off + 7) &^ 7
	off = pageUp(l.shdrs + vSections*shdrSize)
	place(vText, n*vdsoStride)
	return l
}

func (l *layout) ehdr() []byte {
	b := make([]byte, ehdrSize)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	b[elf.EI_OSABI] = abi.ELFOSABI
	le := binary.LittleEndian
	le.PutUint16(b[16:], uint16(elf.ET_DYN))
	le.PutUint16(b[18:], abi.ELFMachine)
	le.PutUint32(b[20:], uint32(elf.EV_CURRENT))
	le.PutUint64(b[32:], ehdrSize) // program headers
	le.PutUint64(b[40:], l.shdrs)
	for i, v := range []uint16{ehdrSize, phdrSize, vdsoPhnum, shdrSize, vSections, vShstrtab} {
		le.PutUint16(b[52+2*i:], v)
	}
	return b
}

func (l *layout) phdrs() []byte {
	text, dyn := l.part[vText], l.part[vDynamic]
	headers := l.shdrs + vSections*shdrSize
	b := make([]byte, vdsoPhnum*phdrSize)
	putPhdr(b, elf.PT_LOAD, elf.PF_R, 0, headers, abi.PageSize)
	putPhdr(b[phdrSize:], elf.PT_LOAD, elf.PF_R|elf.PF_X, text.off, text.size, abi.PageSize)
	putPhdr(b[2*phdrSize:], elf.PT_DYNAMIC, elf.PF_R, dyn.off, dyn.size, 8)
	return b
}

func putPhdr(b []byte, typ elf.ProgType, flags elf.ProgFlag, off, size, align uint64) {
	le := binary.LittleEndian
	le.PutUint32(b, uint32(typ))
	le.PutUint32(b[4:], uint32(flags))
	for i, v := range []uint64{off, off, off, size, size, align} { // offset, vaddr, paddr, filesz, memsz, align
		le.PutUint64(b[8+8*i:], v)
	}
}

func (l *layout) dynamic(soname uint32) []byte {
	var b []byte
	for _, d := range [vdsoDynum]elf.Dyn64{
		{Tag: int64(elf.DT_SONAME), Val: uint64(soname)},
		{Tag: int64(elf.DT_HASH), Val: l.part[vHash].off},
		{Tag: int64(elf.DT_SYMTAB), Val: l.part[vDynsym].off},
		{Tag: int64(elf.DT_STRTAB), Val: l.part[vDynstr].off},
		{Tag: int64(elf.DT_STRSZ), Val: l.part[vDynstr].size},
		{Tag: int64(elf.DT_SYMENT), Val: symSize},
		{Tag: int64(elf.DT_NULL)},
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(d.Tag))
		b = binary.LittleEndian.AppendUint64(b, d.Val)
	}
	return b
}

func (l *layout) sectionHeaders() []byte {
	const alloc = elf.SHF_ALLOC
	b := make([]byte, vSections*shdrSize)
	// info of .dynsym is the number of the first symbol that is not local.
	l.putShdr(b, vDynsym, elf.SHT_DYNSYM, alloc, vDynstr, 1, 8, symSize)
	l.putShdr(b, vDynstr, elf.SHT_STRTAB, alloc, 0, 0, 1, 0)
	l.putShdr(b, vHash, elf.SHT_HASH, alloc, vDynsym, 0, 8, 4)
	l.putShdr(b, vDynamic, elf.SHT_DYNAMIC, alloc, vDynstr, 0, 8, dynSize)
	l.putShdr(b, vText, elf.SHT_PROGBITS, alloc|elf.SHF_EXECINSTR, 0, 0, vdsoStride, 0)
	l.putShdr(b, vShstrtab, elf.SHT_STRTAB, 0, 0, 0, 1, 0)
	return b
}

func (l *layout) putShdr(
	b []byte, i int, typ elf.SectionType, flags elf.SectionFlag, link, info uint32, align, entsize uint64,
) {
	p, le := l.part[i], binary.LittleEndian
	b = b[i*shdrSize:]
	le.PutUint32(b, p.name)
	le.PutUint32(b[4:], uint32(typ))
	le.PutUint64(b[8:], uint64(flags))
	if flags&elf.SHF_ALLOC != 0 {
		le.PutUint64(b[16:], p.off)
	}
	le.PutUint64(b[24:], p.off)
	le.PutUint64(b[32:], p.size)
	le.PutUint32(b[40:], link)
	le.PutUint32(b[44:], info)
	le.PutUint64(b[48:], align)
	le.PutUint64(b[56:], entsize)
}

// strtab is an ELF string table under construction. Its first byte is the empty string.
type strtab struct{ b []byte }

func newStrtab() *strtab { return &strtab{b: []byte{0}} }

// add returns the offset of s.
func (t *strtab) add(s string) uint32 {
	if s == "" {
		return 0
	}
	off := uint32(len(t.b))
	t.b = append(append(t.b, s...), 0)
	return off
}

func (t *strtab) bytes() []byte { return t.b }
func (t *strtab) size() uint64  { return uint64(len(t.b)) }
