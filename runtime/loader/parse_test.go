package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"

	"cabitrans/runtime/abi"
)

func dyn(tags ...elf.DynTag) []byte {
	var b []byte
	for _, tag := range tags {
		b = binary.LittleEndian.AppendUint64(b, uint64(tag))
		b = binary.LittleEndian.AppendUint64(b, 1)
	}
	return b
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(f *file)
		kind  error
		want  string
	}{
		{"cut header", func(f *file) { f.size = 40 }, ErrTruncated,
			"the file is truncated: it ends after 40 bytes, inside the ELF header; copy or build it again"},
		{"32-bit", func(f *file) { f.class = elf.ELFCLASS32 }, ErrClass,
			"not a 64-bit executable: it is a 32-bit program; compile it for x86_64-unknown-cloudabi"},
		{"no class", func(f *file) { f.class = 7 }, ErrClass,
			"not a 64-bit executable: ELF class 7 does not exist; copy or build the file again"},
		{"big endian", func(f *file) { f.data = elf.ELFDATA2MSB }, ErrByteOrder,
			"not a little-endian executable: byte order 2; compile it for x86_64-unknown-cloudabi"},
		{"version", func(f *file) { f.version = 2 }, ErrVersion,
			"unknown ELF version: versions 1 and 2 instead of 1; copy or build the file again"},
		{"Linux", func(f *file) { f.osabi = 0 }, ErrNotCloudABI,
			"not a CloudABI executable: it is a Linux program (or one of another Unix); compile it for x86_64-unknown-cloudabi"},
		{"FreeBSD", func(f *file) { f.osabi = 9 }, ErrNotCloudABI,
			"not a CloudABI executable: it is a FreeBSD program; compile it for x86_64-unknown-cloudabi"},
		{"unknown system", func(f *file) { f.osabi = 99 }, ErrNotCloudABI,
			"not a CloudABI executable: it is a program for another system (OSABI 99); compile it for x86_64-unknown-cloudabi"},
		{"aarch64", func(f *file) { f.machine = elf.EM_AARCH64 }, ErrMachine, "an executable for another processor: " +
			"it is a CloudABI program for 64-bit ARM (aarch64); compile it for x86_64-unknown-cloudabi"},
		{"unknown machine", func(f *file) { f.machine = 999 }, ErrMachine, "an executable for another processor: " +
			"it is a CloudABI program for another processor (machine 999); compile it for x86_64-unknown-cloudabi"},
		{"object", func(f *file) { f.typ = elf.ET_REL }, ErrType,
			"not an executable but another kind of ELF file: it is an object file; link it into an executable first"},
		{"core", func(f *file) { f.typ = elf.ET_CORE }, ErrType,
			"not an executable but another kind of ELF file: it is a core dump; link it into an executable first"},
		{"no program headers", func(f *file) { f.phnum = 0 }, ErrNoSegments,
			"nothing to load: it has no program headers; link it into an executable first"},
		{"no PT_LOAD", func(f *file) { f.progs = []prog{{elf.PT_GNU_STACK, rw, 0, 0, 0, 0, 0}} }, ErrNoSegments,
			"nothing to load: no program header of type PT_LOAD; link it into an executable first"},
		{"only empty PT_LOAD", func(f *file) { f.progs = []prog{{load, rx, 0x1000, 0x1000, 0, 0, 0x1000}} }, ErrNoSegments,
			"nothing to load: no program header of type PT_LOAD; link it into an executable first"},
		{"entry size of headers", func(f *file) { f.phentsz = 32 }, ErrHeaderTable,
			"malformed program header table: its entries are 32 bytes long instead of 56; build the program again"},
		{"too many headers", func(f *file) { f.phnum = 0xffff }, ErrHeaderTable,
			"malformed program header table: 65535 entries, more than 512; build the program again"},
		{"headers outside", func(f *file) { f.phoff = 0x2fff }, ErrTruncated,
			"the file is truncated: the program headers lie outside its 12288 bytes; copy or build it again"},
		{"headers far outside", func(f *file) { f.phoff = 1<<64 - 8 }, ErrTruncated,
			"the file is truncated: the program headers lie outside its 12288 bytes; copy or build it again"},
		{"segment past the end", func(f *file) { f.progs[2].filesz = 0x1001 }, ErrTruncated,
			"the file is truncated: program header 2 needs 0x1001 bytes at 0x2000 of a file of 0x3000; copy or build it again"},
		{"offset overflow", func(f *file) { f.progs[2].off = 1<<64 - 0x1000 }, ErrTruncated, "the file is truncated: " +
			"program header 2 needs 0x10 bytes at 0xfffffffffffff000 of a file of 0x3000; copy or build it again"},
		{"less memory than file", func(f *file) { f.progs[1].memsz = 0xff }, ErrSegmentSize, "a segment's size or " +
			"address is " +
			"impossible: program header 1 has 256 bytes in the file but only 255 in memory; build the program again"},
		{"size 2^64-1", func(f *file) { f.progs[2].memsz = 1<<64 - 1 }, ErrSegmentSize, "a segment's size or address is " +
			"impossible: program header 2 asks for 18446744073709551615 bytes, more than 4294967296; build the program again"},
		{"address beyond 2^47", func(f *file) { f.progs[2].vaddr = 1 << 47 }, ErrSegmentSize, "a segment's size or " +
			"address is " +
			"impossible: program header 2 reaches beyond the address space, from 0x800000000000; build the program again"},
		{"address overflow", func(f *file) { f.progs[2].vaddr = 1<<64 - 0x1000 }, ErrSegmentSize, "a segment's size or " +
			"address " +
			"is impossible: program header 2 reaches beyond the address space, from 0xfffffffffffff000; build the program " +
			"again"},
		{"end beyond 2^47", func(f *file) { f.progs[2].vaddr = 1<<47 - 0x2000 }, ErrSegmentSize, "a segment's size or " +
			"address " +
			"is impossible: program header 2 reaches beyond the address space, from 0x7fffffffe000; build the program again"},
		{"span", func(f *file) { f.progs[2].vaddr = 0x140000000 }, ErrSpan, "the address range is impossible or too large: " +
			"segments spread from 0x0 to 0x140002000, more than 4294967296 bytes; build the program again"},
		{"overlap", func(f *file) { f.progs[1].memsz = 0x1001 }, ErrSegmentOrder, "segments overlap or are not in " +
			"ascending " +
			"order: program header 2 begins at 0x2000, before the end 0x2001 of its predecessor; build the program again"},
		{"order", func(f *file) { f.progs[0], f.progs[1] = f.progs[1], f.progs[0] }, ErrSegmentOrder, "segments overlap " +
			"or are " +
			"not in ascending order: program header 1 begins at 0x0, before the end 0x1100 of its predecessor; build the " +
			"program again"},
		{"not congruent", func(f *file) { f.progs[1].vaddr = 0x1010 }, ErrSegmentAlign, "a segment's address and file " +
			"offset do " +
			"not agree: program header 1 puts file offset 0x1000 at address 0x1010, a different place in its page; build " +
			"the program again"},
		{"alignment 3", func(f *file) { f.progs[1].align = 3 }, ErrSegmentAlign,
			"a segment's address and file offset do not agree: program header 1 has the alignment 0x3; build the program again"},
		{"alignment 2^63", func(f *file) { f.progs[1].align = 1 << 63 }, ErrSegmentAlign, "a segment's address and file " +
			"offset " +
			"do not agree: program header 1 has the alignment 0x8000000000000000; build the program again"},
		{"W+X", func(f *file) { f.progs[1].flags |= elf.PF_W }, ErrWriteExec, "memory both writable and executable: " +
			"program header 1 asks for it; link without -N or --omagic and without executable stacks or data"},
		{"W and X on a page", func(f *file) { f.progs[2].off, f.progs[2].vaddr = 0x1800, 0x1800 }, ErrWriteExec,
			"memory both writable and executable: the page at 0x1000 holds a writable and an executable segment; " +
				"link with -z separate-code"},
		{"W, R and X on a page", func(f *file) {
			f.progs = []prog{
				{load, rw, 0x1000, 0x1000, 0x10, 0x10, 0x1000},
				{load, r, 0x1100, 0x1100, 0x10, 0x10, 0x1000},
				{load, rx, 0x1200, 0x1200, 0x10, 0x10, 0x1000},
			}
			f.entry = 0x1200
		}, ErrWriteExec, "memory both writable and executable: " +
			"the page at 0x1000 holds a writable and an executable segment; link with -z separate-code"},
		{"fixed at 0", func(f *file) { f.typ = elf.ET_EXEC }, ErrSpan, "the address range is impossible or too large: " +
			"a fixed address in page 0; link it at a higher address or as a position-independent executable"},
		{"no entry", func(f *file) { f.entry = 0 }, ErrEntry, "the entry point is not in executable memory: " +
			"it has none; link a program with _start, not a shared library"},
		{"entry in data", func(f *file) { f.entry = 0x2000 }, ErrEntry,
			"the entry point is not in executable memory: it is 0x2000; build the program again"},
		{"entry behind the text", func(f *file) { f.entry = 0x1100 }, ErrEntry,
			"the entry point is not in executable memory: it is 0x1100; build the program again"},
		{"entry nowhere", func(f *file) { f.entry = 1<<64 - 1 }, ErrEntry,
			"the entry point is not in executable memory: it is 0xffffffffffffffff; build the program again"},
		{"shared libraries", func(f *file) {
			f.progs = append(f.progs, prog{elf.PT_DYNAMIC, rw, 0x2100, 0x2100, 0x100, 0x100, 8})
			f.put = map[int][]byte{0x2100: dyn(elf.DT_STRTAB, elf.DT_NEEDED, elf.DT_NULL)}
		}, ErrDynamic, "a dynamically linked executable: " +
			"it needs shared libraries, which CloudABI does not have; link it with -static-pie or -Bstatic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := goodFile()
			tt.spoil(f)
			img, err := parse(f.bytes())
			if img != nil || !errors.Is(err, tt.kind) {
				t.Fatalf("%v, %v; want %v", img, err, tt.kind)
			}
			if err.Error() != tt.want {
				t.Errorf("\n got %s\nwant %s", err, tt.want)
			}
			var fe *FormatError
			if !errors.As(err, &fe) || fe.Kind != tt.kind {
				t.Errorf("%T does not tell its kind", err)
			}
		})
	}
}

func TestParseRefusesOtherFiles(t *testing.T) {
	const end = "; give a program compiled for x86_64-unknown-cloudabi"
	for _, tt := range []struct{ in, want string }{
		{"", "not an ELF executable: the file is empty" + end},
		{"\x7fE", "not an ELF executable: it does not begin with the ELF magic number" + end},
		{"#!/bin/sh\n", "not an ELF executable: it is a script" + end},
		{"MZ\x90\x00", "not an ELF executable: it is a Windows program" + end},
		{"\xcf\xfa\xed\xfe", "not an ELF executable: it is a macOS program" + end},
		{"!<arch>\n", "not an ELF executable: it is a library archive" + end},
		{"just text", "not an ELF executable: it does not begin with the ELF magic number" + end},
	} {
		_, err := parse([]byte(tt.in))
		if !errors.Is(err, ErrNotELF) || err.Error() != tt.want {
			t.Errorf("%q:\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

// A file may become shorter after its size was taken, and may fail to be read.
func TestParseReadErrors(t *testing.T) {
	whole := goodFile().bytes()
	for _, tt := range []struct {
		have int
		want string
	}{
		{10, "the file is truncated: it ends inside the ELF header; copy or build it again"},
		{100, "the file is truncated: it ends inside the program headers; copy or build it again"},
	} {
		_, err := Parse(bytes.NewReader(whole[:tt.have]), int64(len(whole)))
		if !errors.Is(err, ErrTruncated) || err.Error() != tt.want {
			t.Errorf("%d bytes: %v, want %s", tt.have, err, tt.want)
		}
	}
	_, err := Parse(failing{}, int64(len(whole)))
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%v does not wrap the error of the reader", err)
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrNoProgress }

func TestParseAccepts(t *testing.T) {
	f := goodFile()
	f.progs[1].align = 0x200000
	f.progs = append(f.progs,
		prog{elf.PT_INTERP, r, 0x200, 0x200, 8, 8, 1}, // no reason to refuse: the program relocates itself
		prog{elf.PT_DYNAMIC, rw, 0x2f00, 0x2f00, 0x100, 0x100, 8},
		prog{elf.PT_TLS, r, 0x2000, 0x2000, 8, 24, 16},
		prog{elf.PT_GNU_RELRO, r, 0x2000, 0x2000, 0x10, 0x1000, 1},
		prog{elf.PT_GNU_EH_FRAME, r, 0x300, 0x300, 0x40, 0x40, 4},
		prog{load, rx, 0, 0, 0, 0, 0}, // empty segments may stand anywhere
	)
	f.put = map[int][]byte{0x2f00: dyn(elf.DT_STRTAB, elf.DT_NULL, elf.DT_NEEDED)} // the end counts
	b := f.bytes()
	got := mustParse(t, b)
	want := &Image{
		PIE: true, Entry: 0x1000, Lo: 0, Hi: 0x4000, Align: 0x200000,
		Segments: []Segment{
			{Vaddr: 0, Memsz: 0x400, Off: 0, Filesz: 0x400, Prot: abi.ProtRead},
			{Vaddr: 0x1000, Memsz: 0x100, Off: 0x1000, Filesz: 0x100, Prot: abi.ProtRead | abi.ProtExec},
			{Vaddr: 0x2000, Memsz: 0x2000, Off: 0x2000, Filesz: 0x10, Prot: abi.ProtRead | abi.ProtWrite},
		},
		PhdrVaddr: 64, PhdrInMem: true, Phnum: 9, Phdrs: b[64 : 64+9*56],
		TLS: &TLS{0x2000, 8, 24, 16}, Relro: Range{0x2000, 0x1000}, Dynamic: Range{0x2f00, 0x100},
		EHFrameHdr: Range{0x300, 0x40},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// A dynamic section outside the file is read by nobody here.
func TestParseDynamicOutside(t *testing.T) {
	for _, p := range []prog{
		{elf.PT_DYNAMIC, rw, 0x2f00, 0x2f00, 0x101, 0x101, 8},
		{elf.PT_DYNAMIC, rw, 1<<64 - 8, 0x2f00, 1<<64 - 1, 1<<64 - 1, 8},
	} {
		f := goodFile()
		f.progs = append(f.progs, p)
		f.put = map[int][]byte{0x2f00: dyn(elf.DT_NEEDED)}
		mustParse(t, f.bytes())
	}
}

func TestParseHeadersOutsideSegments(t *testing.T) {
	f := goodFile()
	f.progs = f.progs[1:]
	img := mustParse(t, f.bytes())
	if img.PhdrInMem || img.PhdrVaddr != 0 || img.Phnum != 2 || len(img.Phdrs) != 2*phdrSize {
		t.Errorf("%+v", img)
	}
	p, err := img.Plan(0x10000)
	if err != nil || p.Phdr != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}
