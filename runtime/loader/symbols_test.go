package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// sym is a symbol to be written. Section 1 is text at [0x1000, 0x1200), section 2 data at [0x2000, 0x2100).
type sym struct {
	name       string
	addr, size uint64
	typ        elf.SymType
	bind       elf.SymBind
	section    elf.SectionIndex
}

// Places in a file of symbolFile.
const (
	shdrsAt = 0x400
	symsAt  = 0x600
	namesAt = 0xc00
)

// symbolFile writes section headers null, .text, .data, symbol table, strings.
func symbolFile(tableType elf.SectionType, syms []sym) []byte {
	names := newStrtab()
	var table, headers bytes.Buffer
	le := binary.LittleEndian
	must(binary.Write(&table, le, elf.Sym64{}))
	for _, s := range syms {
		must(binary.Write(&table, le, elf.Sym64{
			Name: names.add(s.name), Info: byte(s.bind)<<4 | byte(s.typ), Shndx: uint16(s.section), Value: s.addr, Size: s.size,
		}))
	}
	for _, s := range []elf.Section64{
		{},
		{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: 0x1000, Off: 0x1000, Size: 0x200},
		{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: 0x2000, Off: 0x2000, Size: 0x100},
		{Type: uint32(tableType), Off: symsAt, Size: uint64(table.Len()), Link: 4, Entsize: symSize},
		{Type: uint32(elf.SHT_STRTAB), Off: namesAt, Size: names.size()},
	} {
		must(binary.Write(&headers, le, s))
	}
	f := goodFile()
	f.put = map[int][]byte{
		40: le.AppendUint64(nil, shdrsAt), 60: le.AppendUint16(nil, 5),
		shdrsAt: headers.Bytes(), symsAt: table.Bytes(), namesAt: names.bytes(),
	}
	return f.bytes()
}

const (
	fn     = elf.STT_FUNC
	obj    = elf.STT_OBJECT
	no     = elf.STT_NOTYPE
	local  = elf.STB_LOCAL
	global = elf.STB_GLOBAL
	weak   = elf.STB_WEAK
)

var someSymbols = []sym{
	{"file.c", 0x1000, 0, elf.STT_FILE, local, elf.SHN_ABS},
	{"label", 0x1010, 0, no, local, 1}, // in main
	{"label2", 0x1024, 0, no, local, 1},
	{"main", 0x1000, 0x25, fn, global, 1},
	{"alias", 0x1000, 0x25, fn, local, 1},
	{"object", 0x1000, 0x30, obj, global, 1},
	{"inner", 0x1018, 4, fn, local, 1},
	{"inner2", 0x1018, 4, fn, local, 1},
	{"next", 0x1080, 0x10, fn, local, 1},
	{"after", 0x1092, 0, fn, global, 1}, // in the padding of next
	{"asm", 0x1100, 0, no, global, 1},
	{"asm2", 0x1140, 0, fn, local, 1},
	{"asm3", 0x1140, 0, no, global, 1},
	{"mid", 0x1150, 4, fn, local, 1},
	{"last", 0x1180, 0, fn, global, 1},
	{"twice", 0x1010, 2, fn, local, 1},
	{"twice", 0x1088, 2, fn, weak, 1},
	{"twice", 0x108c, 2, fn, global, 1},
	{"table", 0x2000, 0x20, obj, local, 2},
	{"pair", 0x2008, 1, obj, local, 2},
	{"pair", 0x2004, 1, obj, local, 2},
	{"tail", 0x2020, 0, no, local, 2},
	{"end", 0x2100, 0, no, global, 2}, // as linkers make it, at the end of its section
	{"thread", 0x2004, 4, elf.STT_TLS, global, 2},
	{"absolute", 0x1001, 0, no, global, elf.SHN_ABS},
	{"missing", 0, 0, fn, global, elf.SHN_UNDEF},
	{"bad section", 0x1002, 4, fn, global, 77},
	{"far", 1 << 60, 4, fn, global, 1},
	{"huge", 0x1003, 1 << 60, fn, global, 1},
	{"", 0x1004, 4, fn, global, 1},
}

func TestLookup(t *testing.T) {
	for _, typ := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		tab, err := symbols(symbolFile(typ, someSymbols))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tab.Len(), 22; got != want {
			t.Errorf("%d symbols, want %d", got, want)
		}
		for _, tt := range []struct {
			addr uint64
			want string
		}{
			{0, ""}, {0xfff, ""}, {0x1000, "main+0"}, {0x1001, "main+1"}, {0x1014, "main+20"},
			{0x1010, "twice+0"},                                           // the innermost
			{0x1018, "inner+0"}, {0x101b, "inner+3"}, {0x101c, "main+28"}, // not the padding of inner
			{0x1024, "main+36"},
			{0x1025, "object+37"}, // data with a size go before padding
			{0x1030, "main+48"},   // padding
			{0x1034, "main+52"}, {0x1035, ""}, {0x107f, ""},
			{0x1080, "next+0"}, {0x108f, "next+15"}, {0x1090, "next+16"}, {0x1091, "next+17"},
			{0x1092, "after+0"}, {0x10ff, "after+109"}, // extends to the next
			{0x1100, "asm+0"}, {0x113f, "asm+63"},
			{0x1140, "asm2+0"}, {0x114f, "asm2+15"}, // a function before what has no type
			{0x1163, "mid+19"}, {0x1164, ""}, // asm2 ends where mid begins
			{0x1180, "last+0"}, {0x11ff, "last+127"}, {0x1200, ""}, // extends to the end of its section
			{0x1fff, ""}, {0x2000, "table+0"}, {0x201f, "table+31"}, // data have no padding
			{0x2020, "tail+0"}, {0x20ff, "tail+223"},
			{0x2100, "end+0"}, {0x2101, ""}, {1 << 60, ""}, {1<<64 - 1, ""},
		} {
			name, off, ok := tab.Lookup(tt.addr)
			got := ""
			if ok {
				got = fmt.Sprintf("%s+%d", name, off)
			}
			if got != tt.want {
				t.Errorf("%#x: %q, want %q", tt.addr, got, tt.want)
			}
		}
	}
}

func TestAddr(t *testing.T) {
	tab, err := symbols(symbolFile(elf.SHT_SYMTAB, someSymbols))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint64{
		"main": 0x1000, "alias": 0x1000, "label": 0x1010, "twice": 0x108c, "asm3": 0x1140, "end": 0x2100, "pair": 0x2004, "table": 0x2000,
	} {
		if got, ok := tab.Addr(name); !ok || got != want {
			t.Errorf("%s: %#x, %v; want %#x", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"", "mai", "main2", "file.c", "thread", "absolute", "missing", "bad section", "far", "huge",
	} {
		if got, ok := tab.Addr(name); ok {
			t.Errorf("%q: %#x, want none", name, got)
		}
	}
}

func TestNoSymbols(t *testing.T) {
	var none *SymTab
	if name, off, ok := none.Lookup(0x1000); name != "" || off != 0 || ok {
		t.Error("a nil table knows a name")
	}
	if addr, ok := none.Addr("main"); addr != 0 || ok {
		t.Error("a nil table knows an address")
	}
	if none.Len() != 0 {
		t.Error("a nil table has symbols")
	}
	for name, b := range map[string][]byte{
		"no section headers": goodFile().bytes(),
		"no symbol table":    symbolFile(elf.SHT_PROGBITS, someSymbols),
		"no symbols":         symbolFile(elf.SHT_SYMTAB, nil),
		"no usable symbols":  symbolFile(elf.SHT_SYMTAB, someSymbols[:1]),
	} {
		if tab, err := symbols(b); tab != nil || err != nil {
			t.Errorf("%s: %v, %v; want nothing", name, tab, err)
		}
	}
}

func TestMalformedSymbols(t *testing.T) {
	const (
		table = shdrsAt + 3*shdrSize
		names = shdrsAt + 4*shdrSize
		kind  = "unusable symbol table: "
		again = "; copy or build the program again, or strip it"
	)
	for _, tt := range []struct {
		name string
		at   int
		put  uint64
		n    int // bytes of put
		want string
	}{
		{"headers outside", 40, 0x2fff, 8, kind + "the section headers lie outside the file; copy or build it again"},
		{"headers far outside", 40, 1<<64 - 64, 8, kind + "the section headers lie outside the file; copy or build it again"},
		{"header size", 58, 40, 2, kind + "section headers are 40 bytes long instead of 64; build the program again"},
		{"too many headers", 60, 0xfeff, 2, kind + "the section headers lie outside the file; copy or build it again"},
		{"table outside", table + 24, 0x2fff, 8, kind + "section 3 has 0x48 bytes at 0x2fff of a file of 0x3000" + again},
		{"table overflow", table + 24, 1<<64 - 1, 8, kind + "section 3 has 0x48 bytes at 0xffffffffffffffff of a file " +
			"of 0x3000" + again},
		{"table size", table + 32, 1 << 63, 8, kind + "section 3 has 0x8000000000000000 bytes at 0x600 of a file of " +
			"0x3000" + again},
		{"no strings", table + 40, 9, 4, kind + "section 3 names section 9 for its strings, which holds none" + again},
		{"strings in text", table + 40, 1, 4, kind + "section 3 names section 1 for its strings, which holds none" + again},
		{"strings outside", names + 24, 0x4000, 8, kind + "section 4 has 0xe bytes at 0x4000 of a file of 0x3000" + again},
		{"size of strings", names + 32, 1<<64 - 1, 8, kind + "section 4 has 0xffffffffffffffff bytes at 0xc00 of a file " +
			"of 0x3000" + again},
	} {
		b := symbolFile(elf.SHT_SYMTAB, someSymbols[:2])
		copy(b[tt.at:], binary.LittleEndian.AppendUint64(nil, tt.put)[:tt.n])
		tab, err := symbols(b)
		if tab != nil || !errors.Is(err, ErrSymbols) || err.Error() != tt.want {
			t.Errorf("%s: %v\n got %v\nwant %s", tt.name, tab, err, tt.want)
		}
	}
}

// A size that fits a sparse file must still not become an allocation.
func TestSymbolLimits(t *testing.T) {
	for _, off := range []int{shdrsAt + 3*shdrSize + 32, shdrsAt + 4*shdrSize + 32} {
		b := symbolFile(elf.SHT_SYMTAB, someSymbols)
		binary.LittleEndian.PutUint64(b[off:], 1<<40)
		if tab, err := Symbols(bytes.NewReader(b), 1<<41); tab != nil || !errors.Is(err, ErrSymbols) {
			t.Errorf("%v, %v", tab, err)
		}
	}
}

func TestSymbolsOfShortFile(t *testing.T) {
	b := symbolFile(elf.SHT_SYMTAB, someSymbols)
	for _, have := range []int{shdrsAt + 10, symsAt + 10, namesAt + 10} {
		if tab, err := Symbols(bytes.NewReader(b[:have]), int64(len(b))); tab != nil || !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes: %v, %v", have, tab, err)
		}
	}
	if _, err := symbols([]byte("#!/bin/sh")); !errors.Is(err, ErrNotELF) {
		t.Error(err)
	}
}

// A broken .symtab does not hide a good .dynsym.
func TestSymbolsFallBack(t *testing.T) {
	b := symbolFile(elf.SHT_DYNSYM, someSymbols)
	binary.LittleEndian.PutUint32(b[shdrsAt+2*shdrSize+4:], uint32(elf.SHT_SYMTAB))
	tab, err := symbols(b)
	if err != nil {
		t.Fatal(err)
	}
	if addr, ok := tab.Addr("main"); !ok || addr != 0x1000 {
		t.Errorf("%#x, %v", addr, ok)
	}
}
