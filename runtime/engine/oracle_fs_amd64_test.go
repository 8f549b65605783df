//go:build linux || windows

package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// fsRow is one instruction, with all that may stand where an operand in %fs does.
// In the code, R is a digit for a register of the low eight, which becomes the
// register field; the others are hexadecimal.
type fsRow struct {
	name string
	enc  byte   // 0 legacy, 2 or 3 VEX of so many bytes, 'x' XOP, 'e' EVEX
	pfx  []byte // mandatory and other prefixes; of VEX and so on the bytes between X and opcode: map, then W vvvv L pp, then EVEX's third
	op   []byte // opcode
	reg  int8   // the register field, -1 for any
	imm  int    // bytes of immediate
	kind fsKind
	pre  string // code before it, in hexadecimal
}

type fsKind uint16

const (
	fsPlain  fsKind = 1 << iota
	fsWide          // may have REX.W and 66
	fsGather        // VSIB
	fsMoffs
	fsSource // at rsi, or rbx for xlat
	fsMask   // at rdi
	fsZero   // in a page of zeros, in half of the states
	fsTarget // what is in the page leads nowhere
	fsInUse  // shows which components of the state are in use
)

var fsRows = []fsRow{
	{name: "add from", op: []byte{0x03}, reg: -1, kind: fsWide},
	{name: "add to", op: []byte{0x01}, reg: -1, kind: fsWide},
	{name: "adc byte", op: []byte{0x10}, reg: -1},
	{name: "mov byte", op: []byte{0x8a}, reg: -1},
	{name: "lock xadd", pfx: []byte{0xf0}, op: []byte{0x0f, 0xc1}, reg: -1, kind: fsWide},
	{name: "cmpxchg", op: []byte{0x0f, 0xb1}, reg: -1, kind: fsWide},
	{name: "cmpxchg8b", op: []byte{0x0f, 0xc7}, reg: 1, kind: fsWide},
	{name: "lock cmpxchg8b", pfx: []byte{0xf0}, op: []byte{0x0f, 0xc7}, reg: 1, kind: fsWide},
	{name: "movzx", op: []byte{0x0f, 0xb6}, reg: -1, kind: fsWide},
	{name: "imul imm", op: []byte{0x6b}, reg: -1, imm: 1, kind: fsWide},
	{name: "test imm", op: []byte{0xf6}, reg: 0, imm: 1},
	{name: "mul", op: []byte{0xf7}, reg: 4, kind: fsWide},
	{name: "shld", op: []byte{0x0f, 0xa4}, reg: -1, imm: 1, kind: fsWide},
	{name: "bts imm", op: []byte{0x0f, 0xba}, reg: 5, imm: 1, kind: fsWide},
	// Bits that are in the page, behind and before the operand.
	{name: "bt", op: []byte{0x0f, 0xa3}, reg: 0, kind: fsWide, pre: "b81f010000"},
	{name: "bt before", op: []byte{0x0f, 0xa3}, reg: 0, kind: fsWide, pre: "48c7c0e1feffff"},
	{name: "bts", op: []byte{0x0f, 0xab}, reg: 0, kind: fsWide, pre: "b81f010000"},
	{name: "bts before", op: []byte{0x0f, 0xab}, reg: 0, kind: fsWide, pre: "48c7c0e1feffff"},
	{name: "btr", op: []byte{0x0f, 0xb3}, reg: 0, kind: fsWide, pre: "b81f010000"},
	{name: "lock btr before", pfx: []byte{0xf0}, op: []byte{0x0f, 0xb3}, reg: 0, kind: fsWide, pre: "48c7c0e1feffff"},
	{name: "btc", op: []byte{0x0f, 0xbb}, reg: 0, kind: fsWide, pre: "b81f010000"},
	{name: "lock btc", pfx: []byte{0xf0}, op: []byte{0x0f, 0xbb}, reg: 0, kind: fsWide, pre: "b83d010000"},
	{name: "crc32", pfx: []byte{0xf2}, op: []byte{0x0f, 0x38, 0xf1}, reg: -1},
	{name: "movbe", op: []byte{0x0f, 0x38, 0xf0}, reg: -1, kind: fsWide},
	{name: "adcx", pfx: []byte{0x66}, op: []byte{0x0f, 0x38, 0xf6}, reg: -1},
	{name: "movdir64b", pfx: []byte{0x66}, op: []byte{0x0f, 0x38, 0xf8}, reg: -1},
	{name: "movdiri", op: []byte{0x0f, 0x38, 0xf9}, reg: -1},
	{name: "lea", op: []byte{0x8d}, reg: -1, kind: fsWide},
	{name: "nop", op: []byte{0x0f, 0x1f}, reg: 0, kind: fsWide},
	{name: "ud1", op: []byte{0x0f, 0xb9}, reg: -1},
	{name: "prefetchw", op: []byte{0x0f, 0x0d}, reg: 1},
	{name: "cldemote", op: []byte{0x0f, 0x1c}, reg: 0},
	{name: "clwb", pfx: []byte{0x66}, op: []byte{0x0f, 0xae}, reg: 6},
	{name: "clflushopt", pfx: []byte{0x66}, op: []byte{0x0f, 0xae}, reg: 7},
	{name: "bndcl", pfx: []byte{0xf3}, op: []byte{0x0f, 0x1a}, reg: 1},
	{name: "bndcu", pfx: []byte{0xf2}, op: []byte{0x0f, 0x1a}, reg: 1},
	{name: "bndcn", pfx: []byte{0xf2}, op: []byte{0x0f, 0x1b}, reg: 1},
	{name: "bndmk", pfx: []byte{0xf3}, op: []byte{0x0f, 0x1b}, reg: 2},
	{name: "bndmov", pfx: []byte{0x66}, op: []byte{0x0f, 0x1a}, reg: 3},
	{name: "bndmov to", pfx: []byte{0x66}, op: []byte{0x0f, 0x1b}, reg: 0},
	{name: "bndldx", op: []byte{0x0f, 0x1a}, reg: 0},
	{name: "bndstx", op: []byte{0x0f, 0x1b}, reg: 0},
	{name: "mov from %ss", op: []byte{0x8c}, reg: 2, kind: fsWide},
	{name: "jmp", op: []byte{0xff}, reg: 4, kind: fsWide | fsTarget},
	{name: "push", op: []byte{0xff}, reg: 6, kind: fsWide},
	{name: "pop", op: []byte{0x8f}, reg: 0, kind: fsWide},
	{name: "flds", op: []byte{0xd9}, reg: 0},
	{name: "fldcw", op: []byte{0xd9}, reg: 5},
	{name: "fistpll", op: []byte{0xdf}, reg: 7, pre: "d9e8"},
	{name: "fstpt", op: []byte{0xdb}, reg: 7, pre: "d9e8"},
	{name: "fnsave", op: []byte{0xdd}, reg: 6},
	{name: "fnstenv", op: []byte{0xd9}, reg: 6},
	{name: "fnstcw", op: []byte{0xd9}, reg: 7},
	{name: "fxsave", op: []byte{0x0f, 0xae}, reg: 0, kind: fsWide},
	{name: "fldenv", op: []byte{0xd9}, reg: 4},
	{name: "frstor", op: []byte{0xdd}, reg: 4},
	{name: "fxrstor", op: []byte{0x0f, 0xae}, reg: 1, kind: fsWide | fsZero},
	{name: "xrstor", op: []byte{0x0f, 0xae}, reg: 5, kind: fsWide | fsZero, pre: "b80700000031d2"},
	{name: "xsaveopt", op: []byte{0x0f, 0xae}, reg: 6, kind: fsWide | fsInUse, pre: "b80700000031d2"},
	{name: "xsavec", op: []byte{0x0f, 0xc7}, reg: 4, kind: fsWide | fsInUse, pre: "b80700000031d2"},
	{name: "ldmxcsr", op: []byte{0x0f, 0xae}, reg: 2, kind: fsZero},
	{name: "fbstp", op: []byte{0xdf}, reg: 6, pre: "d9e8"},
	{name: "fild", op: []byte{0xdf}, reg: 5},
	{name: "fisttpl", op: []byte{0xdb}, reg: 1, pre: "d9e8"},
	{name: "fcoml", op: []byte{0xdc}, reg: 2},
	{name: "fnstsw", op: []byte{0xdd}, reg: 7},
	{name: "vldmxcsr", enc: 2, pfx: []byte{0xf8}, op: []byte{0xae}, reg: 2, kind: fsZero},
	{name: "stmxcsr", op: []byte{0x0f, 0xae}, reg: 3},
	{name: "xsave", op: []byte{0x0f, 0xae}, reg: 4, kind: fsWide | fsInUse, pre: "b80700000031d2"},
	{name: "prefetch", op: []byte{0x0f, 0x18}, reg: 1},
	{name: "clflush", op: []byte{0x0f, 0xae}, reg: 7},
	{name: "movups", op: []byte{0x0f, 0x10}, reg: -1},
	{name: "movaps to", op: []byte{0x0f, 0x29}, reg: -1},
	{name: "movhps", op: []byte{0x0f, 0x16}, reg: -1},
	{name: "pinsrq", pfx: []byte{0x66}, op: []byte{0x0f, 0x3a, 0x22}, reg: -1, imm: 1},
	{name: "pcmpestri", pfx: []byte{0x66}, op: []byte{0x0f, 0x3a, 0x61}, reg: -1, imm: 1},
	{name: "paddb mmx", op: []byte{0x0f, 0xfc}, reg: -1},
	{name: "movntq", op: []byte{0x0f, 0xe7}, reg: -1},
	{name: "vmovups", enc: 2, pfx: []byte{0xfc}, op: []byte{0x10}, reg: -1},
	{name: "vmovaps to", enc: 2, pfx: []byte{0xfc}, op: []byte{0x29}, reg: -1},
	{name: "vpalignr", enc: 3, pfx: []byte{3, 0x71}, op: []byte{0x0f}, reg: -1, imm: 1},
	{name: "vmaskmovps", enc: 3, pfx: []byte{2, 0x75}, op: []byte{0x2c}, reg: -1},
	{name: "vblendvps", enc: 3, pfx: []byte{3, 0x75}, op: []byte{0x4a}, reg: -1, imm: 1},
	{name: "mulx", enc: 3, pfx: []byte{2, 0xf3}, op: []byte{0xf6}, reg: -1},
	{name: "bextr", enc: 3, pfx: []byte{2, 0xf0}, op: []byte{0xf7}, reg: -1},
	{name: "rorx", enc: 3, pfx: []byte{3, 0xfb}, op: []byte{0xf0}, reg: -1, imm: 1},
	{name: "vfrczps", enc: 'x', pfx: []byte{9, 0x78}, op: []byte{0x80}, reg: -1},
	{name: "vmovups zmm", enc: 'e', pfx: []byte{1, 0x7c, 0x48}, op: []byte{0x10}, reg: -1},
	{name: "vmovups zmm masked to", enc: 'e', pfx: []byte{1, 0x7c, 0x49}, op: []byte{0x11}, reg: -1, pre: "c5f892c8"},
	{name: "vaddps broadcast", enc: 'e', pfx: []byte{1, 0x6c, 0x58}, op: []byte{0x58}, reg: -1},
	{name: "vpternlogd", enc: 'e', pfx: []byte{3, 0x6d, 0x28}, op: []byte{0x25}, reg: -1, imm: 1},
	{name: "vpgatherdd", enc: 3, pfx: []byte{2, 0x75}, op: []byte{0x90}, reg: -1, kind: fsGather},
	{name: "vpgatherdq", enc: 3, pfx: []byte{2, 0xf5}, op: []byte{0x90}, reg: -1, kind: fsGather},
	{name: "vgatherqps", enc: 3, pfx: []byte{2, 0x71}, op: []byte{0x93}, reg: -1, kind: fsGather},
	{name: "vpgatherqd", enc: 3, pfx: []byte{2, 0x75}, op: []byte{0x91}, reg: -1, kind: fsGather},
	{name: "vpscatterqd", enc: 'e', pfx: []byte{2, 0x7d, 0x49}, op: []byte{0xa1}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vgatherqpd zmm", enc: 'e', pfx: []byte{2, 0xfd, 0x49}, op: []byte{0x93}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vpgatherdd zmm", enc: 'e', pfx: []byte{2, 0x7d, 0x49}, op: []byte{0x90}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vpscatterdd", enc: 'e', pfx: []byte{2, 0x7d, 0x49}, op: []byte{0xa0}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vpscatterqq", enc: 'e', pfx: []byte{2, 0xfd, 0x29}, op: []byte{0xa1}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vgatherdpd", enc: 3, pfx: []byte{2, 0xf5}, op: []byte{0x92}, reg: -1, kind: fsGather},
	{name: "vpgatherqq", enc: 3, pfx: []byte{2, 0xf5}, op: []byte{0x91}, reg: -1, kind: fsGather},
	{name: "vgatherqps zmm", enc: 'e', pfx: []byte{2, 0x7d, 0x49}, op: []byte{0x93}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vscatterdpd", enc: 'e', pfx: []byte{2, 0xfd, 0x49}, op: []byte{0xa2}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "vpscatterqd ymm", enc: 'e', pfx: []byte{2, 0x7d, 0x29}, op: []byte{0xa1}, reg: -1, kind: fsGather, pre: "c5f892c8"},
	{name: "mov moffs", op: []byte{0xa1}, kind: fsMoffs | fsWide},
	{name: "mov byte moffs", op: []byte{0xa0}, kind: fsMoffs},
	{name: "mov to moffs", op: []byte{0xa3}, kind: fsMoffs | fsWide},
	{name: "mov byte to moffs", op: []byte{0xa2}, kind: fsMoffs},
	{name: "movsb", op: []byte{0xa4}, kind: fsSource},
	{name: "movs", op: []byte{0xa5}, kind: fsSource | fsWide},
	{name: "cmpsb", op: []byte{0xa6}, kind: fsSource},
	{name: "cmps", op: []byte{0xa7}, kind: fsSource | fsWide},
	{name: "lodsb", op: []byte{0xac}, kind: fsSource},
	{name: "lods", op: []byte{0xad}, kind: fsSource | fsWide},
	{name: "rep movs", pfx: []byte{0xf3}, op: []byte{0xa5}, kind: fsSource | fsWide},
	{name: "repe cmpsb", pfx: []byte{0xf3}, op: []byte{0xa6}, kind: fsSource},
	{name: "repne cmps", pfx: []byte{0xf2}, op: []byte{0xa7}, kind: fsSource | fsWide},
	{name: "rep lods", pfx: []byte{0xf3}, op: []byte{0xad}, kind: fsSource | fsWide},
	{name: "xlat", op: []byte{0xd7}, kind: fsSource},
	{name: "maskmovq", op: []byte{0x0f, 0xf7}, kind: fsMask},
	{name: "maskmovdqu", pfx: []byte{0x66}, op: []byte{0x0f, 0xf7}, kind: fsMask},
	{name: "vmaskmovdqu", enc: 2, pfx: []byte{0xf9}, op: []byte{0xf7}, kind: fsMask},
	{name: "stos", op: []byte{0xab}, kind: fsSource | fsWide}, // its destination is never in %fs
	{name: "scas", op: []byte{0xae}, kind: fsSource},
	{name: "monitorx", op: []byte{0x0f, 0x01, 0xfa}, kind: fsSource},
	{name: "clzero", op: []byte{0x0f, 0x01, 0xfc}, kind: fsSource},
}

// implied says that the row's operand has no ModRM byte: it has no displacement of four bytes.
func (row *fsRow) implied() bool {
	return row.op[len(row.op)-1] == 0xd7 && row.enc == 0 || row.kind&(fsMoffs|fsSource|fsMask) != 0
}

// fsMaker makes instructions of a row.
type fsMaker struct {
	r    *rand.Rand
	regs *[16]uint64
	pc   uint64 // of the instruction
	far  bool   // operands have displacements of four bytes, and are in the page or in the one behind
}

// make returns an instruction of the row, sometimes as long as one can be.
func (m *fsMaker) make(row *fsRow) []byte {
	for {
		pad := 0
		if m.r.IntN(4) == 0 {
			pad = m.r.IntN(decode.MaxLen)
		}
		behind := *m
		behind.pc += uint64(pad)
		if b := behind.shortest(row); pad+len(b) <= decode.MaxLen {
			return append(bytes.Repeat([]byte{0x2e}, pad), b...)
		}
	}
}

// shortest returns an instruction of the row in %fs, without padding. What it addresses is mostly in the
// page at %fs.
func (m *fsMaker) shortest(row *fsRow) []byte {
	r := m.r
	narrow := r.IntN(4) == 0
	wide := row.kind&fsWide != 0
	b := []byte{0x64}
	if narrow {
		b = append(b, 0x67)
	}
	if wide && r.IntN(4) == 0 {
		b = append(b, 0x66)
	}
	if row.enc == 0 {
		b = append(b, row.pfx...)
	}
	if row.implied() {
		return m.implicit(row, b, wide, narrow)
	}
	reg := byte(r.IntN(8))
	if host.FaultsNeedStack && reg == byte(decode.RSP) {
		reg++ // the ud2 behind it needs a stack
	}
	if row.reg >= 0 {
		reg = byte(row.reg)
	}
	base, index, scale := byte(r.IntN(16)), byte(r.IntN(16)), byte(r.IntN(4))
	form := r.IntN(6)
	if row.kind&fsGather != 0 {
		form = 1
		index = byte(r.IntN(4)) * 4 // small numbers, see newFSStart
	} else if index == 4 {
		form = min(form, 0)
	}
	rex := byte(0)
	if wide && r.IntN(3) == 0 {
		rex |= 8
	}
	if form != 4 && form != 5 {
		rex |= base >> 3
	}
	if form == 1 || form == 2 {
		rex |= index >> 3 << 1
	}
	switch row.enc {
	case 0:
		if rex != 0 || r.IntN(8) == 0 {
			b = append(b, 0x40|rex)
		}
	case 2:
		if rex&3 != 0 { // C5 has none
			base, index = base&7, index&7
			if index == 4 {
				form = 0
			}
		}
		b = append(b, 0xc5, row.pfx[0]&^0x80|byte(r.IntN(2))<<7)
	case 3, 'x':
		c := byte(0xc4)
		if row.enc == 'x' {
			c = 0x8f
		}
		// R inverted: the low eight.
		b = append(b, c, row.pfx[0]|0x80|(^rex&3)<<5, row.pfx[1])
	case 'e':
		high := byte(r.IntN(2)) << 4 // of the register field, inverted
		p2 := row.pfx[2]
		if row.kind&fsGather != 0 {
			p2 &^= byte(r.IntN(2)) << 3 // of the index
		}
		b = append(b, 0x62, row.pfx[0]|0x80|high|(^rex&3)<<5, row.pfx[1], p2)
	}
	b = append(b, row.op...)
	want := uint64(0x400 + r.IntN(24)*64)
	if r.IntN(3) == 0 {
		want += uint64(r.IntN(64))
	}
	if r.IntN(24) == 0 {
		// A fault: behind the last of the threads' blocks, among which the base is. What is mapped
		// of these would be written to twice, and not put back in between.
		if want = 1<<30 + r.Uint64N(1<<30-host.PageSize); m.far {
			want = host.PageSize + r.Uint64N(host.PageSize/2) // a fence
		}
	}
	have := uint64(0)
	var mod []byte
	if form == 3 && (m.far || m.regs[base]-0x200 >= 0xc00) { // not in the page, or too near its begin
		form = 0
	}
	switch form {
	case 0: // base
		if have = m.regs[base]; base&7 == 4 {
			mod = []byte{0x80 | reg<<3 | 4, 0x24}
		} else {
			mod = []byte{0x80 | reg<<3 | base&7}
		}
	case 1, 2: // base and index
		have = m.regs[base] + m.regs[index]<<scale
		if row.kind&fsGather != 0 {
			have = m.regs[base]
		}
		mod = []byte{0x80 | reg<<3 | 4, scale<<6 | index&7<<3 | base&7}
	case 3: // base and one byte
		if have = m.regs[base]; base&7 == 4 {
			mod = []byte{0x40 | reg<<3 | 4, 0x24, byte(r.IntN(32))}
		} else {
			mod = []byte{0x40 | reg<<3 | base&7, byte(r.IntN(32))}
		}
	case 4: // absolute
		mod = []byte{reg<<3 | 4, 0x25}
	default: // rip
		mod = []byte{reg<<3 | 5}
		have = m.pc + uint64(len(b)+5+row.imm)
	}
	b = append(b, mod...)
	if form != 3 {
		b = binary.LittleEndian.AppendUint32(b, uint32(want-have))
	}
	for range row.imm {
		b = append(b, byte(r.Uint32()))
	}
	return b
}

// implicit completes an instruction without ModRM operand.
func (m *fsMaker) implicit(row *fsRow, b []byte, wide, narrow bool) []byte {
	r := m.r
	switch row.enc {
	case 0:
		if wide && r.IntN(2) == 0 {
			b = append(b, 0x48)
		}
	default:
		b = append(b, 0xc5, row.pfx[0])
	}
	b = append(b, row.op...)
	switch {
	case row.kind&fsMask != 0:
		b = append(b, 0xc0|byte(r.IntN(64)))
	case row.kind&fsMoffs != 0 && narrow:
		b = binary.LittleEndian.AppendUint32(b, uint32(r.IntN(0xff0)))
	case row.kind&fsMoffs != 0 && r.IntN(16) == 0:
		b = binary.LittleEndian.AppendUint64(b, r.Uint64()) // mostly a fault
	case row.kind&fsMoffs != 0:
		b = binary.LittleEndian.AppendUint64(b, uint64(r.IntN(0xff0)))
	}
	return b
}

// newFSStart is a state in which registers are offsets in the page at %fs, but for
// rsp and rdi; those of another state, if there is one.
func newFSStart(r *rand.Rand, c *comparer, row *fsRow, like *start) *start {
	s := c.newStart(r)
	for i := range s.regs {
		if i != int(decode.RSP) {
			s.regs[i] = uint64(0x200 + 8*r.IntN(64))
		}
	}
	s.regs[decode.RCX] = uint64(r.IntN(12))
	if row.kind&fsSource != 0 && row.op[0] != 0x0f {
		s.regs[decode.RDI] = c.base + oracleData/2 // what a string instruction writes is not in %fs
	}
	if like != nil {
		s.regs = like.regs
	}
	// One in its initial state counts as used or not as it comes: the kernel may have
	// saved and restored it meanwhile.
	inUse := byte(3)
	if cpu.X86.HasAVX {
		inUse = 7
	}
	for row.kind&fsInUse != 0 && (s.xsave[512]&7 != inUse || s.xsave[4] == 0) {
		s.xsave = c.randomXSave(r)
	}
	s.flags &^= 0x400
	if r.IntN(4) == 0 {
		s.flags |= 0x400
	}
	switch {
	case row.kind&fsSource != 0 && row.op[0] != 0x0f:
		if r.IntN(3) == 0 {
			s.data = bytes.Clone(s.data)
			copy(s.data[oracleData/2:], s.fs[s.regs[decode.RSI]:][:64]) // equal
		}
	case row.kind&fsZero != 0 && r.IntN(2) == 0:
		s.fs = make([]byte, len(s.fs))
	case row.kind&fsTarget != 0:
		// Addresses in the kernel's half; what begins between them is there, too, or is none.
		s.fs = make([]byte, len(s.fs))
		for i := range s.fs {
			if s.fs[i] = byte(r.Uint32()) | 0x80; i%8 > 5 {
				s.fs[i] = 0xff
			}
		}
	case row.kind&fsGather != 0:
		for i := range 32 {
			for k, at := range lanes(i) {
				v := uint32(r.IntN(64))
				if i&3 != 0 {
					v = r.Uint32() // a mask
				} else if k&1 != 0 {
					v = 0 // the upper half of a quadword
				}
				binary.LittleEndian.PutUint32(s.xsave[at:], v)
			}
		}
	}
	return s
}

// TestOracleFS runs every kind of operand in %fs natively, and translated under each
// strategy and for a base that moves; and with %gs and the same base in its place.
func TestOracleFS(t *testing.T) {
	n, seed := fromEnv(t, casesEnv, 40_000), fromEnv(t, seedEnv, 1)
	if testing.Short() {
		n /= 8
	}
	ways := fsWays()
	for i, c := range ways {
		t.Run(fmt.Sprintf("%s %+v", c.tls.Name(), c.opt), func(t *testing.T) {
			g := newGuestTLS(t, c.tls)
			g.setOptions(c.opt)
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			o := &fsOracle{comparer: newComparer(g, r), r: r, ended: make([]int, len(fsRows))}
			o.gs = c.opt.MovingGS
			o.until(int(n)/len(ways), o.batch)
			t.Logf("%d cases of %d instructions, %d of them done", o.done, o.sequences, o.comparer.ended)
			var never, left []string
			for k := range fsRows {
				if o.fs != 0 && fsRows[k].implied() {
					left = append(left, fsRows[k].name)
				} else if o.ended[k] == 0 {
					never = append(never, fsRows[k].name)
				}
			}
			t.Logf("never done, here: %q; left out, since native code has no %%fs here: %q", never, left)
		})
	}
}

// first appends the first instruction of hexadecimal code.
func (s *sequence) first(text string) {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	var in decode.Inst
	if err := in.Decode(b, 0); err != nil {
		panic(err)
	}
	s.raw(b[:in.Len]...)
}

// fsStates is in how many states each instruction begins.
const fsStates = 4

type fsOracle struct {
	*comparer
	r     *rand.Rand
	ended []int // by row
	row   int   // the next
}

// batch makes an instruction of each of some rows, and compares it in states that
// have the same addresses.
func (o *fsOracle) batch() {
	if o.used++; o.used%64 == 0 {
		o.pool = newPool(o.r)
	}
	list := make([]trial, oracleBatch)
	rows := make([]int, oracleBatch)
	for i := range list {
		for fsRows[o.row].implied() && o.fs != 0 {
			o.row = (o.row + 1) % len(fsRows)
		}
		rows[i] = o.row
		o.row = (o.row + 1) % len(fsRows)
		row := &fsRows[rows[i]]
		starts := []*start{newFSStart(o.r, o.comparer, row, nil)}
		for range fsStates - 1 {
			starts = append(starts, newFSStart(o.r, o.comparer, row, starts[0]))
		}
		at := uint64(i * oracleRoom)
		s := o.newSequence(o.r, o.code+at, nativeBase+at)
		o.sequence(&s, row, starts[0].regs)
		list[i] = trial{&s, starts}
		o.insts += len(s.insts)
	}
	o.sequences += len(list)
	o.put(list)
	o.onThread(func(ht *host.Thread) {
		for i := range list {
			ended := o.comparer.ended
			o.round(ht, list[i:i+1])
			o.ended[rows[i]] += o.comparer.ended - ended
			if o.refused > 0 {
				o.Errorf("refused\n%s", listing(list[i].code, list[i].insts))
			}
			if o.Failed() {
				o.Errorf("row %s", fsRows[rows[i]].name)
				return
			}
		}
	})
}

// sequence makes s an instruction of the row, behind what it needs.
func (o *fsOracle) sequence(s *sequence, row *fsRow, regs [16]uint64) {
	for b := row.pre; b != ""; b = b[2*s.insts[len(s.insts)-1].Len:] {
		s.first(b)
	}
	pc := s.pc + uint64(len(s.code))
	for _, in := range s.insts {
		switch in.Opcode {
		case 0xb8, 0xc7: // mov of an immediate
			regs[decode.RAX] = uint64(in.Imm)
		case 0x31: // xor
			regs[decode.RDX] = 0
		}
	}
	if row.op[0] == 0x8f && row.enc == 0 {
		regs[decode.RSP] += 8
	}
	var in decode.Inst
	m := &fsMaker{r: o.r, regs: &regs, pc: pc, far: o.fs != 0}
	b := m.make(row)
	for in.Decode(b, pc) != nil { // no 66 here, or an extended prefix of other length
		b = m.make(row)
	}
	if int(in.Len) != len(b) {
		o.Fatalf("%s: % x: %d bytes", row.name, b, in.Len)
	}
	s.copy = append(s.copy, s.nativeForm(&in, b)...)
	if o.gs {
		b[in.SegOff] = 0x65
		if err := in.Decode(b, pc); err != nil {
			o.Fatalf("%s: % x: %v", row.name, b, err)
		}
	}
	s.insts, s.code = append(s.insts, in), append(s.code, b...)
	s.raw(0x0f, 0x0b)
}
