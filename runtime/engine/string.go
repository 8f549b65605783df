package engine

import (
	"math/bits"

	"cabitrans/decode"
	"cabitrans/rewrite"
)

// maxRepeats bounds the iterations of a string instruction between two looks at what
// the thread was kicked for.
const maxRepeats = 4096

// Flags (AMD64 manual, volume 1, 3.1.4).
const (
	flagCF = 1 << 0
	flagPF = 1 << 2
	flagAF = 1 << 4
	flagZF = 1 << 6
	flagSF = 1 << 7
	flagTF = 1 << 8
	flagDF = 1 << 10
	flagOF = 1 << 11

	flagsArith = flagCF | flagPF | flagAF | flagZF | flagSF | flagOF
)

// stringInst carries out n iterations at most of a string instruction, or xlat, and
// makes the thread go on behind it, or at it. As on the CPU, a fault finds the
// registers as the iterations before have left them.
func (t *Thread) stringInst(in *decode.Inst, n int) *Fault {
	b := t.block
	if in.Class&decode.ClassStringAddr != 0 {
		return t.bitString(in)
	}
	if in.Opcode == 0xd7 {
		v, f := t.load(t.segment(in)+t.sized(in, b.Regs[decode.RBX]+b.Regs[decode.RAX]&0xff), 1)
		if f != nil {
			return f
		}
		t.setReg(decode.RAX, 1, v)
		return t.toCode(in.End(), false)
	}
	if !in.Repeats() {
		if f := t.iterate(in); f != nil {
			return f
		}
		return t.toCode(in.End(), false)
	}
	for ; n > 0; n-- {
		count := t.sized(in, b.Regs[decode.RCX])
		if count == 0 {
			return t.toCode(in.End(), false)
		}
		if f := t.iterate(in); f != nil {
			return f
		}
		t.setReg(decode.RCX, in.AddrSize, count-1)
		compares := in.Opcode&^1 == 0xa6 || in.Opcode&^1 == 0xae
		equal := b.Flags&flagZF != 0
		if count == 1 || compares && equal != (in.Prefixes&decode.PrefixRep != 0) {
			return t.toCode(in.End(), false)
		}
	}
	return t.toCode(in.PC, false)
}

// sized cuts an address or a count to the address size.
func (t *Thread) sized(in *decode.Inst, v uint64) uint64 {
	if in.AddrSize == 4 {
		return uint64(uint32(v))
	}
	return v
}

// segment is the base of the operand of in.
func (t *Thread) segment(in *decode.Inst) uint64 {
	switch in.Seg {
	case decode.SegFS:
		return t.block.FSBase
	case decode.SegGS:
		return t.block.Spill[rewrite.GSBaseSpill]
	}
	return 0
}

// iterate carries out a string instruction once.
func (t *Thread) iterate(in *decode.Inst) *Fault {
	b := t.block
	size := uint64(in.OpSize)
	from := t.segment(in) + t.sized(in, b.Regs[decode.RSI])
	to := t.sized(in, b.Regs[decode.RDI])
	var v, w uint64
	var f *Fault
	reads, second := true, true // rsi, rdi
	switch in.Opcode &^ 1 {
	case 0xa4: // movs
		if v, f = t.load(from, size); f == nil {
			f = t.store(to, size, v)
		}
	case 0xa6: // cmps
		if v, f = t.load(from, size); f == nil {
			w, f = t.load(to, size)
		}
		if f == nil {
			t.compare(v, w, size)
		}
	case 0xaa: // stos
		reads = false
		f = t.store(to, size, b.Regs[decode.RAX])
	case 0xac: // lods
		second = false
		if v, f = t.load(from, size); f == nil {
			t.setReg(decode.RAX, in.OpSize, v)
		}
	case 0xae: // scas
		reads = false
		if w, f = t.load(to, size); f == nil {
			t.compare(b.Regs[decode.RAX], w, size)
		}
	}
	if f != nil {
		return f
	}
	if b.Flags&flagDF != 0 {
		size = -size
	}
	if reads {
		t.setReg(decode.RSI, in.AddrSize, b.Regs[decode.RSI]+size)
	}
	if second {
		t.setReg(decode.RDI, in.AddrSize, b.Regs[decode.RDI]+size)
	}
	return nil
}

// compare sets the flags as cmp does for the low size bytes of v and w.
func (t *Thread) compare(v, w, size uint64) {
	shift := 64 - 8*size
	v, w = v<<shift, w<<shift
	d := v - w
	low := d >> shift
	var flags uint64
	set := func(flag uint64, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagCF, v < w)
	set(flagPF, bits.OnesCount8(uint8(low))%2 == 0)
	set(flagAF, (v>>shift^w>>shift^low)&0x10 != 0)
	set(flagZF, d == 0)
	set(flagSF, d>>63 != 0)
	set(flagOF, (v^w)&(v^d)>>63 != 0)
	t.block.Flags = t.block.Flags&^flagsArith | flags
}
