package loader

import (
	"fmt"

	"cabitrans/runtime/abi"
)

// Mapping is a run of pages with one protection. Addr and Len are multiples of abi.PageSize.
type Mapping struct {
	Addr, Len uint64
	Prot      abi.Mprot // never writable and executable
}

// Copy puts Len bytes at file offset Off to guest address Addr.
type Copy struct {
	Off, Addr, Len uint64
}

// Plan says how to load an image: reserve [Lo, Hi) without access; map each of Maps anonymously, zeroed and writable;
// do all Copies; then give each of Maps its protection. Pages of [Lo, Hi) in no mapping stay without access. Bytes of a
// mapping that no copy covers are zero. Addresses include the bias.
type Plan struct {
	Lo, Hi uint64    // multiples of abi.PageSize
	Maps   []Mapping // ascending, without overlap; neighbours differ in protection or are apart
	Copies []Copy    // ascending, without overlap, inside Maps
	Entry  uint64    // the first instruction
	Base   uint64    // AT_BASE: the bias
	Phdr   uint64    // AT_PHDR, 0 if no segment contains the program headers
}

// Plan lays the image out at bias: 0 for a fixed-address image, else a multiple of img.Align. To load a PIE image so
// that its lowest page is at addr (a multiple of img.Align), pass addr - img.Lo&^(img.Align-1). An error is the
// caller's mistake.
func (img *Image) Plan(bias uint64) (*Plan, error) {
	if !img.PIE && bias != 0 {
		return nil, fmt.Errorf("loader: bias %#x for an image that must not be moved", bias)
	}
	if bias&(img.Align-1) != 0 {
		return nil, fmt.Errorf("loader: bias %#x is not a multiple of %#x", bias, img.Align)
	}
	if bias >= maxAddr || img.Hi+bias > maxAddr {
		return nil, fmt.Errorf("loader: bias %#x moves the image beyond the address space", bias)
	}
	p := &Plan{Lo: img.Lo + bias, Hi: img.Hi + bias, Entry: img.Entry + bias, Base: bias}
	if img.PhdrInMem {
		p.Phdr = img.PhdrVaddr + bias
	}
	for _, s := range img.Segments {
		p.addPages((s.Vaddr&^pageMask)+bias, ((s.Vaddr+s.Memsz+pageMask)&^pageMask)+bias, s.Prot)
		if s.Filesz > 0 {
			p.Copies = append(p.Copies, Copy{Off: s.Off, Addr: s.Vaddr + bias, Len: s.Filesz})
		}
	}
	return p, nil
}

// addPages appends [lo, hi). The first page may be the last one of the mappings so far, never an earlier one.
func (p *Plan) addPages(lo, hi uint64, prot abi.Mprot) {
	if n := len(p.Maps); n > 0 {
		last := &p.Maps[n-1]
		if end := last.Addr + last.Len; lo < end { // a shared page: split it off, with both protections
			last.Len -= abi.PageSize
			both := last.Prot | prot
			if last.Len == 0 {
				p.Maps = p.Maps[:n-1]
			}
			p.append(lo, lo+abi.PageSize, both)
			lo += abi.PageSize
		}
	}
	p.append(lo, hi, prot)
}

// append adds a mapping, or extends the last one if it is adjacent and alike.
func (p *Plan) append(lo, hi uint64, prot abi.Mprot) {
	if lo >= hi {
		return
	}
	if n := len(p.Maps); n > 0 {
		if last := &p.Maps[n-1]; last.Addr+last.Len == lo && last.Prot == prot {
			last.Len += hi - lo
			return
		}
	}
	p.Maps = append(p.Maps, Mapping{Addr: lo, Len: hi - lo, Prot: prot})
}
