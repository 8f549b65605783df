package coverage

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"cabitrans/runtime/engine"
)

// A module is a row of drcov's module table.
type module struct {
	lo, hi, entry uint64
	path          string
}

// An extent is a row of its table of basic blocks.
type extent struct {
	module uint16
	size   uint16
	offset uint32
}

// outside is the module of code that a program has made itself: all guest memory.
var outside = module{lo: 0, hi: 1 << 32, path: "[code outside of the executable]"}

func (r *Recorder) moduleNumber(m module) uint16 {
	i := slices.Index(r.modules, m)
	if i < 0 {
		i = len(r.modules)
		r.modules = append(r.modules, m)
	}
	return uint16(i)
}

// addModule adds the blocks of a program. A block is no longer than what is translated at once, 64 KiB less a page.
func (r *Recorder) addModule(p *Program, all []*engine.Block) {
	main := module{lo: p.Lo, hi: p.Hi, entry: p.Entry, path: p.Path}
	r.moduleNumber(main)
	for _, b := range all {
		m := main
		if b.PC < p.Lo || b.PC >= p.Hi {
			m = outside
		}
		x := extent{module: r.moduleNumber(m), size: uint16(len(b.Code)), offset: uint32(b.PC - m.lo)}
		r.blocks[x] = struct{}{}
	}
}

// WriteDRCov writes the blocks in the form of DynamoRIO's drcov, version 2, with the version-2 module table that it has on
// Linux (DynamoRIO, clients/drcov/drcov.c and ext/drcovlib).
func (r *Recorder) WriteDRCov(to io.Writer) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\n")
	fmt.Fprintf(w, "Module Table: version 2, count %d\nColumns: id, base, end, entry, path\n", len(r.modules))
	for i, m := range r.modules {
		fmt.Fprintf(w, "%3d, 0x%016x, 0x%016x, 0x%016x, %s\n", i, m.lo, m.hi, m.entry, m.path)
	}
	fmt.Fprintf(w, "BB Table: %d bbs\n", len(r.blocks))
	for _, x := range slices.SortedFunc(maps.Keys(r.blocks), func(a, b extent) int {
		return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.offset, b.offset), cmp.Compare(a.size, b.size))
	}) {
		row := binary.LittleEndian.AppendUint32(nil, x.offset)
		row = binary.LittleEndian.AppendUint16(row, x.size)
		row = binary.LittleEndian.AppendUint16(row, x.module)
		_, _ = w.Write(row) // Flush says it
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the coverage cannot be written: %w", err)
	}
	return nil
}
