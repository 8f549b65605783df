package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"cabitrans/runtime/abi"
)

// Sizes in bytes of ELF64 records.
const (
	ehdrSize = 64
	phdrSize = 56
	shdrSize = 64
	symSize  = 24
	dynSize  = 16
)

// maxPhnum bounds the program header table. Linkers write about ten entries.
const maxPhnum = 512

// header is the part of the ELF header that loading needs.
type header struct {
	typ          elf.Type
	entry        uint64
	phoff, shoff uint64
	phnum, shnum int
	shentsize    int
}

// readFull reads len(b) bytes at off, or reports a truncated file; what names the part of the file for the message.
func readFull(r io.ReaderAt, b []byte, off uint64, what string) error {
	n, err := r.ReadAt(b, int64(off))
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return bad(ErrTruncated, "it ends inside the %s; copy or build it again", what)
	}
	return fmt.Errorf("read the %s of the executable: %w", what, err)
}

// readHeader reads and judges the ELF header. The order of the checks decides what the user is told: first what kind of
// file it is, then which system it is for, then which processor.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	var b [ehdrSize]byte
	have := b[:min(max(size, 0), ehdrSize)]
	if err := readFull(r, have, 0, "ELF header"); err != nil {
		return nil, err
	}
	if len(have) < 4 || string(have[:4]) != elf.ELFMAG {
		return nil, bad(ErrNotELF, "%s; give a program compiled for x86_64-unknown-cloudabi", sniff(have))
	}
	if len(have) < ehdrSize {
		return nil, bad(ErrTruncated, "it ends after %d bytes, inside the ELF header; copy or build it again", len(have))
	}
	if err := checkIdent(b[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	h := &header{
		typ: elf.Type(le.Uint16(b[16:])), entry: le.Uint64(b[24:]),
		phoff: le.Uint64(b[32:]), phnum: int(le.Uint16(b[56:])),
		shoff: le.Uint64(b[40:]), shentsize: int(le.Uint16(b[58:])), shnum: int(le.Uint16(b[60:])),
	}
	if h.typ != elf.ET_EXEC && h.typ != elf.ET_DYN {
		return nil, bad(ErrType, "%s; link it into an executable first", typeName(h.typ))
	}
	if n := le.Uint16(b[54:]); n != phdrSize && h.phnum > 0 {
		return nil, bad(ErrHeaderTable, "its entries are %d bytes long instead of %d; build the program again", n, phdrSize)
	}
	return h, nil
}

// checkIdent judges e_ident, e_machine and e_version.
func checkIdent(b []byte) error {
	switch elf.Class(b[elf.EI_CLASS]) {
	case elf.ELFCLASS64:
	case elf.ELFCLASS32:
		return bad(ErrClass, "it is a 32-bit program; compile it for x86_64-unknown-cloudabi")
	default:
		return bad(ErrClass, "ELF class %d does not exist; copy or build the file again", b[elf.EI_CLASS])
	}
	if elf.Data(b[elf.EI_DATA]) != elf.ELFDATA2LSB {
		return bad(ErrByteOrder, "byte order %d; compile it for x86_64-unknown-cloudabi", b[elf.EI_DATA])
	}
	if v := binary.LittleEndian.Uint32(b[20:]); b[elf.EI_VERSION] != 1 || v != 1 {
		return bad(ErrVersion, "versions %d and %d instead of 1; copy or build the file again", b[elf.EI_VERSION], v)
	}
	if osabi := b[elf.EI_OSABI]; osabi != abi.ELFOSABI {
		return bad(ErrNotCloudABI, "it is %s; compile it for x86_64-unknown-cloudabi", osabiName(elf.OSABI(osabi)))
	}
	if m := elf.Machine(binary.LittleEndian.Uint16(b[18:])); m != abi.ELFMachine {
		return bad(ErrMachine, "it is a CloudABI program for %s; compile it for x86_64-unknown-cloudabi", machineName(m))
	}
	return nil
}

// sniff says what a file without the ELF magic looks like.
func sniff(b []byte) string {
	switch {
	case len(b) == 0:
		return "the file is empty"
	case bytes.HasPrefix(b, []byte("#!")):
		return "it is a script"
	case bytes.HasPrefix(b, []byte("MZ")):
		return "it is a Windows program"
	case bytes.HasPrefix(b, []byte{0xcf, 0xfa, 0xed, 0xfe}), bytes.HasPrefix(b, []byte{0xca, 0xfe, 0xba, 0xbe}):
		return "it is a macOS program"
	case bytes.HasPrefix(b, []byte("!<arch>\n")):
		return "it is a library archive"
	}
	return "it does not begin with the ELF magic number"
}

func osabiName(o elf.OSABI) string {
	switch o {
	case elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX:
		return "a Linux program (or one of another Unix)"
	case elf.ELFOSABI_FREEBSD:
		return "a FreeBSD program"
	case elf.ELFOSABI_NETBSD:
		return "a NetBSD program"
	case elf.ELFOSABI_OPENBSD:
		return "an OpenBSD program"
	case elf.ELFOSABI_SOLARIS:
		return "a Solaris program"
	}
	return fmt.Sprintf("a program for another system (OSABI %d)", byte(o))
}

func machineName(m elf.Machine) string {
	switch m {
	case elf.EM_AARCH64:
		return "64-bit ARM (aarch64)"
	case elf.EM_ARM:
		return "32-bit ARM"
	case elf.EM_386:
		return "32-bit x86"
	case elf.EM_RISCV:
		return "RISC-V"
	}
	return fmt.Sprintf("another processor (machine %d)", uint16(m))
}

func typeName(t elf.Type) string {
	switch t {
	case elf.ET_REL:
		return "it is an object file"
	case elf.ET_CORE:
		return "it is a core dump"
	}
	return fmt.Sprintf("its ELF type is %d", uint16(t))
}
