package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"cabitrans/runtime/abi"
)

// prog is a program header to be written.
type prog struct {
	typ                              elf.ProgType
	flags                            elf.ProgFlag
	off, vaddr, filesz, memsz, align uint64
}

// file is an ELF file to be written. Tests take goodFile and spoil one thing.
type file struct {
	size    int // bytes; less than the headers need cuts them off
	class   elf.Class
	data    elf.Data
	osabi   byte
	typ     elf.Type
	machine elf.Machine
	version uint32
	entry   uint64
	phoff   uint64
	phentsz uint16
	phnum   int // -1: len(progs)
	progs   []prog
	put     map[int][]byte // bytes at file offsets, written last
}

const (
	load = elf.PT_LOAD
	r    = elf.PF_R
	rx   = elf.PF_R | elf.PF_X
	rw   = elf.PF_R | elf.PF_W
)

func goodFile() *file {
	return &file{
		size: 0x3000, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB, osabi: 17, typ: elf.ET_DYN, machine: elf.EM_X86_64,
		version: 1, entry: 0x1000, phoff: ehdrSize, phentsz: phdrSize, phnum: -1,
		progs: []prog{
			{load, r, 0, 0, 0x400, 0x400, 0x1000},
			{load, rx, 0x1000, 0x1000, 0x100, 0x100, 0x1000},
			{load, rw, 0x2000, 0x2000, 0x10, 0x2000, 0x1000},
		},
	}
}

func (f *file) bytes() []byte {
	phnum := f.phnum
	if phnum < 0 {
		phnum = len(f.progs)
	}
	var h bytes.Buffer
	eh := elf.Header64{
		Type: uint16(f.typ), Machine: uint16(f.machine), Version: f.version, Entry: f.entry, Phoff: f.phoff,
		Ehsize: ehdrSize, Phentsize: f.phentsz, Phnum: uint16(phnum), Shentsize: shdrSize,
	}
	copy(eh.Ident[:], elf.ELFMAG)
	eh.Ident[elf.EI_CLASS], eh.Ident[elf.EI_DATA], eh.Ident[elf.EI_VERSION] = byte(f.class), byte(f.data), 1
	eh.Ident[elf.EI_OSABI] = f.osabi
	must(binary.Write(&h, binary.LittleEndian, eh))
	for _, p := range f.progs {
		must(binary.Write(&h, binary.LittleEndian, elf.Prog64{
			Type: uint32(p.typ), Flags: uint32(p.flags), Off: p.off, Vaddr: p.vaddr, Paddr: p.vaddr,
			Filesz: p.filesz, Memsz: p.memsz, Align: p.align,
		}))
	}
	b := make([]byte, f.size)
	copy(b, h.Bytes())
	for off, v := range f.put {
		copy(b[off:], v)
	}
	return b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func parse(b []byte) (*Image, error) { return Parse(bytes.NewReader(b), int64(len(b))) }

func symbols(b []byte) (*SymTab, error) { return Symbols(bytes.NewReader(b), int64(len(b))) }

func mustParse(t testing.TB, b []byte) *Image {
	t.Helper()
	img, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// guest reads one of the guest programs, which are part of the repository.
func guest(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "guests", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// letters gives a protection as three letters.
func letters(p abi.Mprot) string {
	s := []byte("---")
	for i, bit := range []abi.Mprot{abi.ProtRead, abi.ProtWrite, abi.ProtExec} {
		if p&bit != 0 {
			s[i] = "rwx"[i]
		}
	}
	return string(s)
}
