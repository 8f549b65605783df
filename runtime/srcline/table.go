package srcline

import (
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"io"
	"slices"
	"sort"
)

// A Table says which source line an instruction was made of, by link-time address.
type Table []Row // ascending

// A Row counts up to the next one.
type Row struct {
	Addr uint64
	File string // empty where a sequence of instructions ends
	Line int
}

// Read reads the DWARF line tables of an executable. One without them, or with broken
// ones, has no lines, or those before the broken part: a profile names functions all the
// same.
func Read(exe io.ReaderAt) Table {
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
	var t Table
	for r := d.Reader(); ; r.SkipChildren() {
		unit, err := r.Next()
		if unit == nil || err != nil {
			break
		}
		if lr, err := d.LineReader(unit); err == nil && lr != nil {
			t = t.read(lr)
		}
	}
	slices.SortStableFunc(t, func(a, b Row) int {
		// Where one sequence ends another may begin.
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(min(len(a.File), 1), min(len(b.File), 1)))
	})
	return t
}

// read appends the rows of a unit.
func (t Table) read(lr *dwarf.LineReader) Table {
	begin := len(t) // of the sequence
	for e := (dwarf.LineEntry{}); lr.Next(&e) == nil; {
		row := Row{Addr: e.Address, Line: e.Line}
		if e.File != nil && !e.EndSequence {
			row.File = e.File.Name
		}
		t = append(t, row)
		if !e.EndSequence {
			continue
		}
		if t[begin].Addr == 0 { // of a function that the linker has left out
			t = t[:begin]
		}
		begin = len(t)
	}
	return t[:begin] // what has no end is broken
}

// Find returns the line of the instruction at addr; an empty file if that is unknown.
func (t Table) Find(addr uint64) (file string, line int) {
	i := sort.Search(len(t), func(i int) bool { return t[i].Addr > addr }) - 1
	if i < 0 {
		return "", 0
	}
	return t[i].File, t[i].Line
}
