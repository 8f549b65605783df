package engine

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// A gather or scatter with 32-bit addresses cuts each address to 32 bits before the
// segment's base is added: no operand of 64-bit addresses is the same. It is carried
// out here, on the thread's saved vector registers.

// State components (Intel manual, volume 1, 13.1), and where those are that the legacy
// area holds.
const (
	xstateSSE    = 1
	xstateAVX    = 2
	xstateOpmask = 5 // k0 to k7
	xstateUpper  = 6 // upper halves of zmm0 to zmm15
	xstateZMM    = 7 // zmm16 to zmm31
	xmmOffset    = 160
	xstateInUse  = 512 // XSTATE_BV
	evexZeroing  = 0x80
	evexBcast    = 0x10
	evexOpmask   = 7
	evexRegHigh  = 0x10 // R', inverted, in the byte behind 62
	scatterFirst = 0xa0
	scatterLast  = 0xa3
)

// part is the 16, or 32, or 64 bytes of vector register r that begin at byte at, which
// lie in one component; component notes that they are written.
func (t *Thread) part(r, at int) (p []byte, component int) {
	x := t.host.XSave()
	switch {
	case r >= 16:
		return x[host.XStateOffset(xstateZMM)+64*(r-16)+at:], xstateZMM
	case at < 16:
		return x[xmmOffset+16*r+at:], xstateSSE
	case at < 32:
		return x[host.XStateOffset(xstateAVX)+16*r+at-16:], xstateAVX
	}
	return x[host.XStateOffset(xstateUpper)+32*r+at-32:], xstateUpper
}

// inUse makes the CPU take a component from the area.
func (t *Thread) inUse(component int) {
	t.host.XSave()[xstateInUse+component/8] |= 1 << (component % 8)
}

// element reads an element of 4 or 8 bytes, the former sign-extended.
func (t *Thread) element(r, i, size int) uint64 {
	p, _ := t.part(r, i*size)
	if size == 4 {
		return uint64(int64(int32(binary.LittleEndian.Uint32(p))))
	}
	return binary.LittleEndian.Uint64(p)
}

func (t *Thread) setElement(r, i, size int, v uint64) {
	p, c := t.part(r, i*size)
	if size == 4 {
		binary.LittleEndian.PutUint32(p, uint32(v))
	} else {
		binary.LittleEndian.PutUint64(p, v)
	}
	t.inUse(c)
}

// clearFrom makes register r zero from byte at on, up to the widest that the CPU has.
func (t *Thread) clearFrom(r, at int) {
	end := 32
	if cpu.X86.HasAVX512F {
		end = 64
	}
	for ; at < end; at += 4 {
		t.setElement(r, at/4, 4, 0)
	}
}

// A vsib is a gather or scatter as it is carried out.
type vsib struct {
	reg, index, mask   int // numbers of vector registers; mask is an opmask for EVEX
	size, indexSize, n int // of an element, of an index, in bytes; elements
	evex, scatter      bool
}

func (t *Thread) newVSIB(in *decode.Inst) (v vsib, ok bool) {
	v = vsib{
		reg: int(in.Reg()), index: int(in.VIndex), mask: int(in.VVVV), size: 4, indexSize: 4 << (in.Opcode & 1),
		evex: in.Enc == decode.EncEVEX, scatter: in.Opcode >= scatterFirst && in.Opcode <= scatterLast,
	}
	if in.Rex&decode.RexW != 0 {
		v.size = 8
	}
	v.n = int(in.VecLen) / max(v.size, v.indexSize)
	if in.Opcode&^3 != 0x90 && !v.scatter || v.n == 0 {
		return v, false // the prefetches, which only some accelerators had
	}
	if !v.evex {
		return v, cpu.X86.HasAVX2 && v.reg != v.index && v.reg != v.mask && v.index != v.mask
	}
	var p [1]byte
	if _, err := host.CopyIn(p[:], in.PC+uint64(in.RexOff)+1); err == nil && p[0]&evexRegHigh == 0 {
		v.reg += 16
	}
	v.mask = int(in.EVEXp2 & evexOpmask)
	return v, cpu.X86.HasAVX512F && (in.VecLen == 64 || cpu.X86.HasAVX512VL) && v.mask != 0 &&
		in.EVEXp2&(evexZeroing|evexBcast) == 0 && in.VVVV&15 == 0 && (v.scatter || v.reg != v.index)
}

// gather carries out a gather or scatter, as far as the first fault: what it has done
// is no longer in the mask.
func (t *Thread) gather(in *decode.Inst) *Fault {
	v, ok := t.newVSIB(in)
	if !ok {
		return t.fault(SigILL)
	}
	b := t.block
	var k []byte
	if v.evex {
		k = t.host.XSave()[host.XStateOffset(xstateOpmask)+8*v.mask:][:8]
		t.inUse(xstateOpmask)
	}
	for i := range v.n {
		wanted := false
		if v.evex {
			wanted = k[i/8]>>(i%8)&1 != 0
		} else {
			wanted = int64(t.element(v.mask, i, v.size)<<(64-8*v.size)) < 0
		}
		if wanted {
			addr := uint64(in.Disp) + t.element(v.index, i, v.indexSize)*uint64(in.Scale)
			if in.Base != decode.NoReg {
				addr += b.Regs[in.Base]
			}
			if f := t.move(&v, i, t.segment(in)+t.sized(in, addr)); f != nil {
				return f
			}
		}
		if v.evex {
			k[i/8] &^= 1 << (i % 8)
		} else {
			t.setElement(v.mask, i, v.size, 0)
		}
	}
	if v.evex {
		clear(k)
	} else {
		t.clearFrom(v.mask, 0)
	}
	if !v.scatter {
		t.clearFrom(v.reg, v.n*v.size)
	}
	return t.toCode(in.End(), false)
}

// move gathers or scatters an element.
func (t *Thread) move(v *vsib, i int, addr uint64) *Fault {
	if v.scatter {
		return t.store(addr, uint64(v.size), t.element(v.reg, i, v.size))
	}
	w, f := t.load(addr, uint64(v.size))
	if f == nil {
		t.setElement(v.reg, i, v.size, w)
	}
	return f
}
