package ehframe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
)

// Bytes returns the n bytes that a file has for an address; nil if it has fewer. What it returns is not changed.
type Bytes func(addr, n uint64) []byte

// Errors of Open.
var (
	// ErrNone: the executable has no search table.
	ErrNone = errors.New("the program has no unwind tables")
	// ErrForm: its search table is of a form that linkers do not write.
	ErrForm = errors.New("the program's unwind tables are of an unknown form")
)

// A Table is the search table of .eh_frame_hdr: a row for each function, ascending by address.
type Table struct {
	at   Bytes
	addr uint64 // of .eh_frame_hdr, which the rows count from
	rows []byte // of two signed 4-byte words: first address, and address of the FDE
}

const rowSize = 8

// Open reads the search table at addr, of size bytes. The error wraps ErrNone or ErrForm.
func Open(at Bytes, addr, size uint64) (*Table, error) {
	if size == 0 {
		return nil, ErrNone
	}
	const header = 12 // version, encodings of: pointer to .eh_frame, count, rows; that pointer and the count
	b := at(addr, size)
	switch {
	case len(b) < header:
		return nil, fmt.Errorf("%w: .eh_frame_hdr has %d bytes", ErrForm, len(b))
	case b[0] != 1 || b[2] != encUData4 || b[3] != encTable|encSData4:
		return nil, fmt.Errorf("%w: .eh_frame_hdr begins with % x", ErrForm, b[:4])
	}
	n := min(uint64(binary.LittleEndian.Uint32(b[8:])), uint64(len(b)-header)/rowSize)
	return &Table{at: at, addr: addr, rows: b[header:][:n*rowSize]}, nil
}

// Len is the number of functions.
func (t *Table) Len() int { return len(t.rows) / rowSize }

// row returns the first address of function i, and the address of its entry.
func (t *Table) row(i int) (lo, fde uint64) {
	b := t.rows[i*rowSize:]
	word := func(b []byte) uint64 { return t.addr + uint64(int64(int32(binary.LittleEndian.Uint32(b)))) }
	return word(b), word(b[4:])
}

// All calls yield for every function, ascending: it is from lo up to hi. One whose entry cannot be read is empty.
func (t *Table) All(yield func(lo, hi uint64) bool) {
	for i := range t.Len() {
		lo, addr := t.row(i)
		hi := lo
		if f, ok := t.entry(addr); ok && f.Lo == lo {
			hi = f.Hi
		}
		if !yield(lo, hi) {
			return
		}
	}
}

// After returns that function which ends behind pc and begins first. Functions whose entry cannot be read are left out.
func (t *Table) After(pc uint64) (lo, hi uint64, ok bool) {
	for i := max(t.upTo(pc), 0); i < t.Len(); i++ {
		lo, addr := t.row(i)
		if f, ok := t.entry(addr); ok && f.Lo == lo && f.Hi > pc {
			return lo, f.Hi, true
		}
	}
	return 0, 0, false
}

// upTo is the last function that begins at pc or before, -1 if none does.
func (t *Table) upTo(pc uint64) int {
	return sort.Search(t.Len(), func(i int) bool { lo, _ := t.row(i); return lo > pc }) - 1
}

// Find returns the entry of the function that pc is in.
func (t *Table) Find(pc uint64) (FDE, bool) {
	i := t.upTo(pc)
	if i < 0 {
		return FDE{}, false
	}
	_, addr := t.row(i)
	f, ok := t.entry(addr)
	return f, ok && pc >= f.Lo && pc < f.Hi
}
