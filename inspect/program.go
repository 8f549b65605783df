package inspect

import (
	"fmt"
	"io"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// guestHi is the end of guest memory; what the translator gets lies below.
const (
	guestLo = 0x2_0000
	guestHi = 0x6000_0000
)

// Program is an executable that is looked into.
type Program struct {
	name  string
	r     io.ReaderAt
	size  int64
	image *loader.Image
	syms  *loader.SymTab
	noSym error            // why there are no symbols although the file seems to have some
	text  []loader.Segment // those with instructions
	funcs []function
	bias  uint64 // added to addresses of the file for the translator; wraps around
}

// Open reads the headers and symbols of an executable of size bytes; name is for messages. The error is that of
// loader.Parse.
func Open(name string, r io.ReaderAt, size int64) (*Program, error) {
	image, err := loader.Parse(r, size)
	if err != nil {
		return nil, err
	}
	p := &Program{name: name, r: r, size: size, image: image}
	p.syms, p.noSym = loader.Symbols(r, size)
	if image.PIE && image.Hi > guestHi {
		p.bias = guestLo - image.Lo
	}
	for _, s := range image.Segments {
		if s.Prot&abi.ProtExec != 0 && s.Filesz > 0 {
			p.text = append(p.text, s)
		}
	}
	p.funcs = p.findFunctions()
	return p, nil
}

// read returns n bytes of the file at off; the caller has bounds for n.
func (p *Program) read(off, n uint64) ([]byte, error) {
	if off > uint64(p.size) || n > uint64(p.size)-off {
		return nil, fmt.Errorf("%d bytes at offset %#x: %w", n, off, loader.ErrTruncated)
	}
	b := make([]byte, n)
	if got, err := p.r.ReadAt(b, int64(off)); uint64(got) < n {
		if err == io.EOF {
			err = loader.ErrTruncated
		}
		return nil, fmt.Errorf("%d bytes at offset %#x: %w", n, off, err)
	}
	return b, nil
}

// at returns the n bytes that the file has for an address; nil if it has fewer.
func (p *Program) at(addr, n uint64) []byte {
	for _, s := range p.image.Segments {
		if d := addr - s.Vaddr; d < s.Filesz && n <= s.Filesz-d {
			b, err := p.read(s.Off+d, n)
			if err != nil {
				return nil
			}
			return b
		}
	}
	return nil
}

// place is an address as people write it: symbol+0x12, or the number alone.
func (p *Program) place(addr uint64) string {
	name, off, ok := p.syms.Lookup(addr)
	switch {
	case !ok:
		return ""
	case off == 0:
		return name
	}
	return fmt.Sprintf("%s+%#x", name, off)
}
