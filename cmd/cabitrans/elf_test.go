package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// headerSize is where the first byte after the headers of an executable lies that
// has up to three program headers.
const headerSize = 64 + 3*56

// exitCode are instructions of the oldest generation: the program ends with 42.
// The number of proc_exit is 41 (ABI of 2016-08).
var exitCode = []byte{
	0xbf, 42, 0, 0, 0, // mov $42,%edi
	0xb8, 41, 0, 0, 0, // mov $41,%eax
	0x0f, 0x05, // syscall
}

// exitAt returns an executable at a fixed address that ends with status 42, its
// headers changed by edit, which may be nil.
func exitAt(addr uint64, edit func(*elf.Header64, *[]elf.Prog64)) []byte {
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1, 17},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1,
		Entry: addr + headerSize, Phoff: 64, Ehsize: 64, Phentsize: 56,
	}
	size := uint64(headerSize + len(exitCode))
	progs := []elf.Prog64{{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: addr, Paddr: addr, Filesz: size, Memsz: size, Align: 4096,
	}}
	if edit != nil {
		edit(&h, &progs)
	}
	h.Phnum = uint16(len(progs))
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h)
	_ = binary.Write(&b, binary.LittleEndian, progs)
	b.Write(make([]byte, headerSize-b.Len()))
	b.Write(exitCode)
	return b.Bytes()
}

// withDynamic adds a dynamic section with one entry of the given tag to an
// executable made with a program header for it.
func withDynamic(tag elf.DynTag) []byte {
	b := exitAt(0x2000_0000, func(h *elf.Header64, p *[]elf.Prog64) {
		off := uint64(headerSize + len(exitCode))
		(*p)[0].Filesz += 32
		(*p)[0].Memsz += 32
		*p = append(*p, elf.Prog64{Type: uint32(elf.PT_DYNAMIC), Flags: uint32(elf.PF_R), Off: off,
			Vaddr: (*p)[0].Vaddr + off, Filesz: 32, Memsz: 32, Align: 8})
	})
	b = binary.LittleEndian.AppendUint64(b, uint64(tag))
	return append(b, make([]byte, 24)...)
}
