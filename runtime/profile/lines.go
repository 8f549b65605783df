package profile

import (
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"io"
	"slices"
	"sort"
)

// A lineTable says which source line an instruction was made of, by link-time address.
type lineTable []lineRow // ascending

// A lineRow counts up to the next one.
type lineRow struct {
	addr uint64
	file string // empty where a sequence of instructions ends
	line int
}

// readLines reads the DWARF line tables of an executable. One without them, or with broken
// ones, has no lines, or those before the broken part: a profile names functions all the
// same.
func readLines(exe io.ReaderAt) lineTable {
	if exe == nil {
		return nil
	}
	f, err := elf.NewFile(exe)
	if err != nil {
		return nil
	}
	d, err := f.DWARF()
	if err != nil {
		return nil
	}
	var t lineTable
	for r := d.Reader(); ; r.SkipChildren() {
		unit, err := r.Next()
		if unit == nil || err != nil {
			break
		}
		if lr, err := d.LineReader(unit); err == nil && lr != nil {
			t = t.read(lr)
		}
	}
	slices.SortStableFunc(t, func(a, b lineRow) int {
		// Where one sequence ends another may begin.
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(min(len(a.file), 1), min(len(b.file), 1)))
	})
	return t
}

// read appends the rows of a unit.
func (t lineTable) read(lr *dwarf.LineReader) lineTable {
	begin := len(t) // of the sequence
	for e := (dwarf.LineEntry{}); lr.Next(&e) == nil; {
		row := lineRow{addr: e.Address, line: e.Line}
		if e.File != nil && !e.EndSequence {
			row.file = e.File.Name
		}
		t = append(t, row)
		if !e.EndSequence {
			continue
		}
		if t[begin].addr == 0 { // of a function that the linker has left out
			t = t[:begin]
		}
		begin = len(t)
	}
	return t[:begin] // what has no end is broken
}

// find returns the line of the instruction at addr; an empty file if that is unknown.
func (t lineTable) find(addr uint64) (file string, line int) {
	i := sort.Search(len(t), func(i int) bool { return t[i].addr > addr }) - 1
	if i < 0 {
		return "", 0
	}
	return t[i].file, t[i].line
}
