package loader

import (
	"debug/elf"
	"encoding/binary"
	"io"

	"cabitrans/runtime/abi"
)

const (
	// MaxSpan is the largest distance in bytes from the lowest to the highest address of an image.
	MaxSpan = 4 << 30
	// maxAddr is the end of the lower half of the address space.
	maxAddr = 1 << 47
	// maxAlign bounds p_align of a segment; linkers use up to 2 MiB.
	maxAlign = 1 << 30

	pageMask = abi.PageSize - 1
)

// Segment is one PT_LOAD with a size. Vaddr and Off are congruent modulo abi.PageSize, not necessarily multiples of it.
type Segment struct {
	Vaddr  uint64 // link-time address of the first byte
	Memsz  uint64 // bytes in memory, not 0
	Off    uint64 // file offset of the first byte
	Filesz uint64 // bytes from the file, at most Memsz; the rest is zero
	Prot   abi.Mprot
}

// Range is a part of the image, in link-time addresses. The zero value means that the image has no such part.
type Range struct {
	Vaddr, Size uint64
}

// TLS is PT_TLS: the initial contents of each thread's variables. The guest copies them itself.
type TLS struct {
	Vaddr, Filesz, Memsz, Align uint64
}

// Image describes an executable. All addresses are link-time addresses.
type Image struct {
	PIE      bool   // ET_DYN: may be loaded at any multiple of Align; else the bias must be 0
	Entry    uint64 // address of the first instruction
	Lo, Hi   uint64 // page-aligned span of all segments, Lo < Hi
	Align    uint64 // power of two that the bias must be a multiple of, at least abi.PageSize
	Segments []Segment

	PhdrVaddr uint64 // address of the program headers, valid if PhdrInMem
	PhdrInMem bool   // whether a segment contains them; else give Phdrs to the guest in another place
	Phnum     int    // number of program headers
	Phdrs     []byte // their bytes, as in the file

	TLS        *TLS  // nil if there is none
	Relro      Range // the part the guest makes read-only after relocating
	Dynamic    Range // the dynamic section; absent in executables without relocations
	EHFrameHdr Range // the table of unwind information
}

// Parse reads and checks the headers of an executable of size bytes. Its error is a *FormatError, which wraps one of
// the sentinels, or an error of r. It reads only headers and the dynamic section; segments are first read by whoever
// executes the Plan.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	img := &Image{PIE: h.typ == elf.ET_DYN, Entry: h.entry, Phnum: h.phnum, Align: abi.PageSize}
	if h.phnum == 0 {
		return nil, bad(ErrNoSegments, "it has no program headers; link it into an executable first")
	}
	if h.phnum > maxPhnum {
		return nil, bad(ErrHeaderTable, "%d entries, more than %d; build the program again", h.phnum, maxPhnum)
	}
	n := uint64(h.phnum) * phdrSize
	if !within(h.phoff, n, uint64(size)) {
		return nil, bad(ErrTruncated, "the program headers lie outside its %d bytes; copy or build it again", size)
	}
	img.Phdrs = make([]byte, n)
	if err := readFull(r, img.Phdrs, h.phoff, "program headers"); err != nil {
		return nil, err
	}
	for i := range h.phnum {
		if err := img.addHeader(i, img.Phdrs[i*phdrSize:], uint64(size)); err != nil {
			return nil, err
		}
	}
	if err := img.checkWhole(); err != nil {
		return nil, err
	}
	if err := img.checkStatic(r, uint64(size)); err != nil {
		return nil, err
	}
	img.findPhdrs(h.phoff, n)
	return img, nil
}

// addHeader takes program header number i, which begins at b.
func (img *Image) addHeader(i int, b []byte, size uint64) error {
	le := binary.LittleEndian
	flags := elf.ProgFlag(le.Uint32(b[4:]))
	s := Segment{Off: le.Uint64(b[8:]), Vaddr: le.Uint64(b[16:]), Filesz: le.Uint64(b[32:]), Memsz: le.Uint64(b[40:])}
	align := le.Uint64(b[48:])
	switch elf.ProgType(le.Uint32(b)) {
	case elf.PT_LOAD:
		s.Prot = protOf(flags)
		if err := img.addSegment(i, s, align, size); err != nil {
			return err
		}
	case elf.PT_TLS:
		img.TLS = &TLS{Vaddr: s.Vaddr, Filesz: s.Filesz, Memsz: s.Memsz, Align: align}
	case elf.PT_GNU_RELRO:
		img.Relro = Range{s.Vaddr, s.Memsz}
	case elf.PT_DYNAMIC:
		img.Dynamic = Range{s.Vaddr, s.Memsz}
	case elf.PT_GNU_EH_FRAME:
		img.EHFrameHdr = Range{s.Vaddr, s.Memsz}
	}
	return nil
}

func protOf(f elf.ProgFlag) abi.Mprot {
	var p abi.Mprot
	if f&elf.PF_R != 0 {
		p |= abi.ProtRead
	}
	if f&elf.PF_W != 0 {
		p |= abi.ProtWrite
	}
	if f&elf.PF_X != 0 {
		p |= abi.ProtExec
	}
	return p
}

const writeExec = abi.ProtWrite | abi.ProtExec

// addSegment checks one PT_LOAD by itself and against its predecessor.
func (img *Image) addSegment(i int, s Segment, align, size uint64) error {
	const again = "build the program again"
	switch {
	case s.Memsz < s.Filesz:
		return bad(ErrSegmentSize, "program header %d has %d bytes in the file but only %d in memory; %s",
			i, s.Filesz, s.Memsz, again)
	case s.Memsz == 0:
		return nil
	case s.Memsz > MaxSpan:
		return bad(ErrSegmentSize, "program header %d asks for %d bytes, more than %d; %s", i, s.Memsz, int64(MaxSpan), again)
	case s.Vaddr >= maxAddr || s.Vaddr+s.Memsz > maxAddr-abi.PageSize:
		return bad(ErrSegmentSize, "program header %d reaches beyond the address space, from %#x; %s", i, s.Vaddr, again)
	case s.Filesz > 0 && !within(s.Off, s.Filesz, size):
		return bad(ErrTruncated, "program header %d needs %#x bytes at %#x of a file of %#x; copy or build it again",
			i, s.Filesz, s.Off, size)
	case align&(align-1) != 0 || align > maxAlign:
		return bad(ErrSegmentAlign, "program header %d has the alignment %#x; %s", i, align, again)
	case s.Filesz > 0 && (s.Vaddr-s.Off)&pageMask != 0:
		return bad(ErrSegmentAlign, "program header %d puts file offset %#x at address %#x, a different place in its "+
			"page; %s",
			i, s.Off, s.Vaddr, again)
	case s.Prot&writeExec == writeExec:
		return bad(ErrWriteExec, "program header %d asks for it; link without -N or --omagic and without executable "+
			"stacks or data", i)
	}
	page := s.Vaddr &^ pageMask
	for j := len(img.Segments) - 1; j >= 0; j-- {
		prev := img.Segments[j]
		end := prev.Vaddr + prev.Memsz
		if s.Vaddr < end {
			return bad(ErrSegmentOrder, "program header %d begins at %#x, before the end %#x of its predecessor; %s",
				i, s.Vaddr, end, again)
		}
		if end <= page {
			break
		}
		if (prev.Prot|s.Prot)&writeExec == writeExec {
			return bad(ErrWriteExec, "the page at %#x holds a writable and an executable segment; link with -z separate-code",
				page)
		}
	}
	img.Align = max(img.Align, align)
	img.Segments = append(img.Segments, s)
	return nil
}

// checkWhole checks what only the complete list of segments can tell.
func (img *Image) checkWhole() error {
	n := len(img.Segments)
	if n == 0 {
		return bad(ErrNoSegments, "no program header of type PT_LOAD; link it into an executable first")
	}
	first, last := img.Segments[0], img.Segments[n-1]
	img.Lo = first.Vaddr &^ pageMask
	img.Hi = (last.Vaddr + last.Memsz + pageMask) &^ pageMask
	if img.Hi-img.Lo > MaxSpan {
		return bad(ErrSpan, "segments spread from %#x to %#x, more than %d bytes; build the program again",
			img.Lo, img.Hi, int64(MaxSpan))
	}
	if !img.PIE && img.Lo == 0 {
		return bad(ErrSpan, "a fixed address in page 0; link it at a higher address or as a position-independent executable")
	}
	if img.Entry == 0 {
		return bad(ErrEntry, "it has none; link a program with _start, not a shared library")
	}
	if s := img.segmentOf(img.Entry); s == nil || s.Prot&abi.ProtExec == 0 {
		return bad(ErrEntry, "it is %#x; build the program again", img.Entry)
	}
	return nil
}

// segmentOf returns the segment whose memory contains a link-time address, or nil.
func (img *Image) segmentOf(addr uint64) *Segment {
	for i := range img.Segments {
		if s := &img.Segments[i]; addr-s.Vaddr < s.Memsz && addr >= s.Vaddr {
			return s
		}
	}
	return nil
}

// findPhdrs locates the program headers in memory by their file offset. PT_PHDR is not used: it may be absent, and
// where both exist they agree.
func (img *Image) findPhdrs(off, n uint64) {
	for _, s := range img.Segments {
		if off >= s.Off && off-s.Off <= s.Filesz && n <= s.Filesz-(off-s.Off) {
			img.PhdrVaddr, img.PhdrInMem = s.Vaddr+(off-s.Off), true
			return
		}
	}
}
