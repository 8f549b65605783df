package gdb

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Registers is the state of a thread.
type Registers struct {
	General                [16]uint64 // rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15: in encoding order
	RIP, Flags             uint64
	FSBase, GSBase         uint64
	CS, SS, DS, ES, FS, GS uint16
	XSave                  []byte // in the standard form of XSAVE
	Where                  XState // where it has what
}

// XState says which extended state the CPU has beyond SSE, and where it begins in an
// XSAVE area.
type XState struct {
	AVX    int // upper halves of ymm0 to 15; 0 for none
	Opmask int // AVX-512: k0 to k7, the upper halves of zmm0 to 15, and zmm16 to 31; 0 for none
	ZMMHi  int
	ZMM16  int
}

// Places in an XSAVE area (AMD64 manual, volume 2, 11.5.1 and 11.5.6).
const (
	xFCW    = 0
	xFSW    = 2
	xFTW    = 4 // abridged: a bit for each register that is not empty
	xFOP    = 6
	xFIP    = 8
	xFDP    = 16
	xMXCSR  = 24
	xST     = 32
	xXMM    = 160
	xBV     = 512 // which components are not in their initial state
	xLegacy = 576 // bytes of the part that is always there

	bitX87    = 1 << 0
	bitSSE    = 1 << 1
	bitAVX    = 1 << 2
	bitOpmask = 1 << 5
	bitZMMHi  = 1 << 6
	bitZMM16  = 1 << 7
)

// A register is one that a debugger sees.
type register struct {
	name string
	bits int
	typ  string // of gdb's target descriptions
	// get copies the value into b, of bits/8 bytes; put does the reverse.
	get func(r *Registers, b []byte)
	put func(r *Registers, b []byte)
}

// A feature is a group of registers that debuggers know by name.
type feature struct {
	name      string
	types     string // what its registers' types need
	registers []register
}

// A layout is the registers of a CPU, in the order of their numbers.
type layout struct {
	features  []feature
	registers []register
	offsets   []int // in a packet of all, in bytes
	size      int
}

// newLayout describes the registers of a CPU with the given extended state. Names and
// types are those of gdb's features (gdb manual, G.5.5 i386 Features).
func newLayout(x XState) *layout {
	l := &layout{features: []feature{coreFeature(), sseFeature(), linuxFeature(), segmentsFeature()}}
	if x.AVX != 0 {
		l.features = append(l.features, avxFeature(x))
	}
	if x.AVX != 0 && x.Opmask != 0 {
		l.features = append(l.features, avx512Feature(x))
	}
	for _, f := range l.features {
		for _, r := range f.registers {
			l.registers = append(l.registers, r)
			l.offsets = append(l.offsets, l.size)
			l.size += r.bits / 8
		}
	}
	return l
}

// pack is all registers as in a packet g.
func (l *layout) pack(r *Registers) []byte {
	b := make([]byte, l.size)
	for i := range l.registers {
		l.registers[i].get(r, l.slice(b, i))
	}
	return b
}

func (l *layout) slice(b []byte, i int) []byte { return b[l.offsets[i]:][:l.registers[i].bits/8] }

// get is one register's value.
func (l *layout) get(r *Registers, i int) []byte {
	b := make([]byte, l.registers[i].bits/8)
	l.registers[i].get(r, b)
	return b
}

// apply applies those values of b, in the order of a packet G and maybe cut off at its
// end, that are not what r has already.
func (l *layout) apply(r *Registers, b []byte) error {
	for i := range l.registers {
		if l.offsets[i]+l.registers[i].bits/8 > len(b) {
			break
		}
		v := l.slice(b, i)
		if string(v) == string(l.get(r, i)) {
			continue
		}
		if err := l.set(r, i, v); err != nil {
			return err
		}
	}
	return nil
}

// set changes one register.
func (l *layout) set(r *Registers, i int, v []byte) error {
	reg := &l.registers[i]
	if len(v) != reg.bits/8 {
		return fmt.Errorf("register %s has %d bytes, not %d", reg.name, reg.bits/8, len(v))
	}
	if reg.put == nil {
		return fmt.Errorf("register %s cannot be changed", reg.name)
	}
	reg.put(r, v)
	return nil
}

// word is a register that is a number of Registers.
func word(name, typ string, bits int, of func(*Registers) *uint64) register {
	return register{name, bits, typ,
		func(r *Registers, b []byte) { putUint(b, *of(r)) },
		func(r *Registers, b []byte) { *of(r) = getUint(b) },
	}
}

// selector is a segment register, which cannot be changed.
func selector(name string, of func(*Registers) uint16) register {
	return register{name, 32, "int32", func(r *Registers, b []byte) { putUint(b, uint64(of(r))) }, nil}
}

func putUint(b []byte, v uint64) {
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], v)
	copy(b, w[:])
}

func getUint(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b)
	return binary.LittleEndian.Uint64(w[:])
}

// component is a register of the extended state, n bytes at off of the XSAVE area, of
// the component that bit of XSTATE_BV is for. Its other registers there are 0 while the
// bit is clear, whatever is in memory.
func component(name, typ string, off, n int, bit byte) register {
	return register{name, 8 * n, typ,
		func(r *Registers, b []byte) {
			if x := r.XSave; len(x) >= max(off+n, xLegacy) && x[xBV]&bit != 0 {
				copy(b, x[off:off+n])
			}
		},
		func(r *Registers, b []byte) {
			if x := r.XSave; len(x) >= max(off+n, xLegacy) {
				r.initialise(bit)
				copy(x[off:off+n], b)
			}
		},
	}
}

// initialise makes a component that is in its initial state one that is in memory.
func (r *Registers) initialise(bit byte) {
	x := r.XSave
	if x[xBV]&bit != 0 {
		return
	}
	x[xBV] |= bit
	switch bit {
	case bitX87:
		clear(x[:xMXCSR])
		clear(x[xST:xXMM])
		binary.LittleEndian.PutUint16(x[xFCW:], initialFCW)
	case bitSSE:
		clear(x[xXMM : xXMM+16*16])
	case bitAVX:
		clear(x[r.Where.AVX:][:16*16])
	case bitOpmask:
		clear(x[r.Where.Opmask:][:8*8])
	case bitZMMHi:
		clear(x[r.Where.ZMMHi:][:16*32])
	case bitZMM16:
		clear(x[r.Where.ZMM16:][:16*64])
	}
}

// initialFCW is the x87 control word after FNINIT.
const initialFCW = 0x37f

// x87 returns the word of n bytes at off of the x87 state.
func (r *Registers) x87(off, n int) uint64 {
	x := r.XSave
	if len(x) < xLegacy || x[xBV]&bitX87 == 0 {
		if off == xFCW {
			return initialFCW
		}
		return 0
	}
	return getUint(x[off : off+n])
}

// fullTag is the tag word of FNSTENV: 2 bits a register, by physical number: 3 for
// empty, 0 valid, 1 zero, 2 special.
func (r *Registers) fullTag() uint64 {
	abridged, top := r.x87(xFTW, 1), r.x87(xFSW, 2)>>11&7
	tag := uint64(0)
	for i := range uint64(8) {
		if abridged>>i&1 == 0 {
			tag |= 3 << (2 * i)
			continue
		}
		st := r.XSave[xST+16*((i-top)&7):]
		mantissa := binary.LittleEndian.Uint64(st)
		switch exponent := binary.LittleEndian.Uint16(st[8:]) & 0x7fff; {
		case exponent == 0 && mantissa == 0:
			tag |= 1 << (2 * i)
		case exponent == 0 || exponent == 0x7fff || mantissa <= math.MaxInt64:
			tag |= 2 << (2 * i)
		}
	}
	return tag
}

// abridge is the abridged form of a tag word.
func abridge(tag uint64) (a byte) {
	for i := range 8 {
		if tag>>(2*i)&3 != 3 {
			a |= 1 << i
		}
	}
	return a
}
