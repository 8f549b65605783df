package gdb

import "encoding/binary"

// Kinds of entry of an auxiliary vector of Linux (include/uapi/linux/auxvec.h).
const (
	atPhdr   = 3
	atPhent  = 4
	atPhnum  = 5
	atPagesz = 6
	atEntry  = 9
)

// auxv is the auxiliary vector by which a debugger finds where the program lies: that
// which a kernel of Linux would have given to it. The guest's own has other numbers, and no
// entry point.
func (p *Program) auxv() (b []byte) {
	add := func(kind, value uint64) {
		b = binary.LittleEndian.AppendUint64(b, kind)
		b = binary.LittleEndian.AppendUint64(b, value)
	}
	if p.Phdr != 0 {
		add(atPhdr, p.Phdr)
		add(atPhent, 56) // sizeof Elf64_Phdr
		add(atPhnum, uint64(p.Phnum))
	}
	add(atPagesz, 4096)
	add(atEntry, p.Entry)
	add(0, 0)
	return b
}
