package loader

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// Functions says where the functions of a program are in memory: by its unwind table,
// or else by its symbols. It reads them when it is first asked. It is used by one
// goroutine at a time.
type Functions struct {
	// Read fills buf with guest memory at addr; false if it cannot.
	Read func(addr uint64, buf []byte) bool
	// Hdr is where the table of unwind information (PT_GNU_EH_FRAME) lies in memory;
	// empty if there is none.
	Hdr Range
	// Symbols is asked without one; its addresses are Bias lower than those in memory.
	Symbols func() *SymTab
	Bias    uint64

	loaded bool
	funcs  []function // ascending by lo; hi of unwind entries is read later
	enc    map[uint64]byte
}

type function struct {
	lo, hi uint64
	fde    uint64 // where hi is to be had; 0 when it is there
}

// After returns that function which ends behind pc and begins first.
func (f *Functions) After(pc uint64) (lo, hi uint64, ok bool) {
	if !f.loaded {
		f.loaded = true
		if !f.readTable() {
			f.readSymbols()
		}
	}
	i := sort.Search(len(f.funcs), func(i int) bool { return f.funcs[i].lo > pc })
	for i = max(i-1, 0); i < len(f.funcs); i++ {
		fn := &f.funcs[i]
		f.complete(fn)
		if fn.hi > pc && fn.hi > fn.lo {
			return fn.lo, fn.hi, true
		}
	}
	return 0, 0, false
}

// Pointer encodings of exception tables (LSB Core, 10.5.1) that linkers use.
const (
	ehUdata4        = 0x03
	ehDatarelSdata4 = 0x3b
	ehFormat        = 0x07 // without the sign
	ehOmit          = 0xff
)

// maxFunctions bounds what a table is believed.
const maxFunctions = 16 << 20

// readTable reads the binary search table of .eh_frame_hdr (LSB Core, 10.6.2): pairs of
// a function's begin and its FDE, relative to the header.
func (f *Functions) readTable() bool {
	const head = 12
	hdr, size := f.Hdr.Vaddr, f.Hdr.Size
	var b [head]byte
	if size < head || !f.Read(hdr, b[:]) || b[0] != 1 || b[1]&ehFormat != ehUdata4 ||
		b[2] != ehUdata4 || b[3] != ehDatarelSdata4 {
		return false
	}
	n := uint64(binary.LittleEndian.Uint32(b[8:]))
	if n > (size-head)/8 || n > maxFunctions {
		return false
	}
	table := make([]byte, 8*n)
	if !f.Read(hdr+head, table) {
		return false
	}
	f.funcs = make([]function, 0, n)
	for ; len(table) > 0; table = table[8:] {
		f.funcs = append(f.funcs, function{lo: hdr + rel32(table), fde: hdr + rel32(table[4:])})
	}
	f.enc = make(map[uint64]byte)
	return slices.IsSortedFunc(f.funcs, func(a, b function) int { return cmp.Compare(a.lo, b.lo) })
}

func rel32(b []byte) uint64 { return uint64(int32(binary.LittleEndian.Uint32(b))) }

// complete reads where a function ends from its FDE: length, distance back to the CIE,
// begin, size, the last two in the CIE's encoding. One that cannot be read is empty.
func (f *Functions) complete(fn *function) {
	if fn.fde == 0 {
		return
	}
	fde := fn.fde
	fn.fde, fn.hi = 0, fn.lo
	var b [24]byte
	if !f.Read(fde, b[:]) {
		return
	}
	back := binary.LittleEndian.Uint32(b[4:])
	if n := binary.LittleEndian.Uint32(b[:]); n < 12 || n >= 0xffff_fff0 || back == 0 {
		return
	}
	cie := fde + 4 - uint64(back)
	enc, ok := f.enc[cie]
	if !ok {
		enc = f.encoding(cie)
		f.enc[cie] = enc
	}
	switch enc & ehFormat {
	case 3:
		fn.hi = fn.lo + uint64(binary.LittleEndian.Uint32(b[12:]))
	case 0, 4:
		fn.hi = fn.lo + binary.LittleEndian.Uint64(b[16:])
	}
}

// encoding is how the FDEs of a CIE encode addresses: what R in its augmentation says.
func (f *Functions) encoding(cie uint64) byte {
	var b [64]byte
	if !f.Read(cie, b[:]) || b[8] != 1 {
		return ehOmit
	}
	end := 9 + slices.Index(b[9:], 0)
	if end < 9 {
		return ehOmit
	}
	aug, rest := string(b[9:end]), b[end+1:]
	if aug == "" {
		return 0 // absolute
	}
	if aug[0] != 'z' {
		return ehOmit
	}
	// Code and data alignment, the return register and the length of what follows.
	for range 4 {
		for len(rest) > 0 && rest[0]&0x80 != 0 {
			rest = rest[1:]
		}
		if len(rest) < 8 {
			return ehOmit
		}
		rest = rest[1:]
	}
	for _, c := range aug[1:] {
		switch {
		case len(rest) < 10:
			return ehOmit
		case c == 'R':
			return rest[0]
		case c == 'L':
			rest = rest[1:]
		case c == 'P':
			size := map[byte]int{0: 8, 2: 2, 3: 4, 4: 8}[rest[0]&ehFormat]
			if size == 0 {
				return ehOmit
			}
			rest = rest[1+size:]
		case c != 'S' && c != 'B':
			return ehOmit
		}
	}
	return 0
}

// readSymbols takes the functions from the symbol table.
func (f *Functions) readSymbols() {
	f.funcs = nil
	if f.Symbols == nil {
		return
	}
	t := f.Symbols()
	if t == nil {
		return
	}
	for i := range t.syms {
		s := &t.syms[i]
		if !s.fn || s.size == 0 {
			continue
		}
		lo, hi := s.addr+f.Bias, s.addr+s.size+f.Bias
		if n := len(f.funcs); n > 0 && lo < f.funcs[n-1].hi { // another name, or a part
			if lo == f.funcs[n-1].lo {
				f.funcs[n-1].hi = max(f.funcs[n-1].hi, hi)
			}
			continue
		}
		f.funcs = append(f.funcs, function{lo: lo, hi: hi})
	}
}
