//go:build amd64

package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
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

type fsKind uint8

const (
	fsPlain  fsKind = 1 << iota
	fsWide          // may have REX.W and 66
	fsGather        // VSIB
	fsMoffs
	fsSource // at rsi, or rbx for xlat
	fsMask   // at rdi
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
	{name: "btc", op: []byte{0x0f, 0xbb}, reg: 0, kind: fsWide, pre: "b81f010000"}, // a bit that is in the page
	{name: "crc32", pfx: []byte{0xf2}, op: []byte{0x0f, 0x38, 0xf1}, reg: -1},
	{name: "movbe", op: []byte{0x0f, 0x38, 0xf0}, reg: -1, kind: fsWide},
	{name: "adcx", pfx: []byte{0x66}, op: []byte{0x0f, 0x38, 0xf6}, reg: -1},
	{name: "movdir64b", pfx: []byte{0x66}, op: []byte{0x0f, 0x38, 0xf8}, reg: -1},
	{name: "movdiri", op: []byte{0x0f, 0x38, 0xf9}, reg: -1},
	{name: "lea", op: []byte{0x8d}, reg: -1, kind: fsWide},
	{name: "nop", op: []byte{0x0f, 0x1f}, reg: 0, kind: fsWide},
	{name: "ud1", op: []byte{0x0f, 0xb9}, reg: -1},
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
	{name: "stmxcsr", op: []byte{0x0f, 0xae}, reg: 3},
	{name: "xsave", op: []byte{0x0f, 0xae}, reg: 4, kind: fsWide, pre: "b80700000031d2"},
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
	{name: "clzero", op: []byte{0x0f, 0x01, 0xfc}, kind: fsSource},
}

// fsMaker makes instructions of a row.
type fsMaker struct {
	r    *rand.Rand
	regs *[16]uint64
	pc   uint64 // of the instruction
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
	if row.op[len(row.op)-1] == 0xd7 && row.enc == 0 || row.kind&(fsMoffs|fsSource|fsMask) != 0 {
		return m.implicit(row, b, wide, narrow)
	}
	reg := byte(r.IntN(8))
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
		want = r.Uint64N(1 << 30) // a fault
	}
	have := uint64(0)
	var mod []byte
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
// rsp and rdi.
func newFSStart(r *rand.Rand, c *comparer, ht *host.Thread, row *fsRow) *start {
	s := newStart(r, c, ht)
	for i := range s.regs {
		if i != int(decode.RSP) {
			s.regs[i] = uint64(0x200 + 8*r.IntN(64))
		}
	}
	s.regs[decode.RCX] = uint64(r.IntN(12))
	s.flags &^= 0x400
	if r.IntN(4) == 0 {
		s.flags |= 0x400
	}
	switch {
	case row.kind&fsSource != 0 && row.op[0] != 0x0f:
		s.regs[decode.RDI] = c.base + oracleData/2 // what a string instruction writes is not in %fs
		if r.IntN(3) == 0 {
			copy(s.data[oracleData/2:], s.fs[s.regs[decode.RSI]:][:64]) // equal
		}
	case row.kind&fsGather != 0:
		x := s.xsave[:]
		for i := range 16 {
			for _, at := range []int{160 + 16*i, 576 + 16*i} {
				for k := range 4 {
					v := uint32(r.IntN(64))
					if i&3 != 0 {
						v = r.Uint32() // a mask
					} else if k&1 != 0 {
						v = 0 // the upper half of a quadword
					}
					binary.LittleEndian.PutUint32(x[at+4*k:], v)
				}
			}
		}
	}
	return s
}

// TestOracleFS runs every kind of operand in %fs natively, where %gs stands for %fs,
// and translated for a base that moves and for strategies without a segment.
func TestOracleFS(t *testing.T) {
	n, seed := fromEnv(t, sequencesEnv, 4096), fromEnv(t, seedEnv, 1)
	if testing.Short() {
		n /= 8
	}
	for i, c := range []struct {
		tls rewrite.TLS
		opt rewrite.Options
	}{{rewrite.GS{}, rewrite.Options{MovingBase: true}}, {rewrite.GS{}, rewrite.Options{}}} {
		t.Run(fmt.Sprintf("%s %+v", c.tls.Name(), c.opt), func(t *testing.T) {
			g := newGuestTLS(t, c.tls)
			g.setOptions(c.opt)
			o := &fsOracle{comparer: newComparer(g), r: rand.New(rand.NewPCG(seed, uint64(i))), ended: make([]int, len(fsRows))}
			for o.done < int(n)/2 && !t.Failed() {
				o.batch()
			}
			t.Logf("%d instructions, %d of them done", o.done, o.comparer.ended)
			for k := range fsRows {
				t.Logf("%s: %d done", fsRows[k].name, o.ended[k])
			}
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

type fsOracle struct {
	*comparer
	r     *rand.Rand
	ended []int // by row
}

func (o *fsOracle) batch() {
	text := make([]byte, oracleBatch*oracleRoom)
	native := bytes.Clone(text)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer runtime.Goexit()
		ht, err := host.NewThread(0)
		if err != nil {
			o.Error(err)
			return
		}
		defer ht.Close()
		var starts [oracleBatch]*start
		var rows [oracleBatch]int
		var insts [oracleBatch][]decode.Inst
		for i := range starts {
			rows[i] = (o.done + i) % len(fsRows)
			row := &fsRows[rows[i]]
			starts[i] = newFSStart(o.r, o.comparer, ht, row)
			at := i * oracleRoom
			s := &sequence{pc: o.code + uint64(at), native: nativeBase + uint64(at)}
			for b := row.pre; b != ""; b = b[2*s.insts[len(s.insts)-1].Len:] {
				s.first(b)
			}
			pc := s.pc + uint64(len(s.code))
			regs := starts[i].regs
			if strings.HasPrefix(row.pre, "b807") {
				regs[decode.RAX], regs[decode.RDX] = 7, 0
			}
			if row.op[0] == 0x8f && row.enc == 0 {
				regs[decode.RSP] += 8
			}
			var in decode.Inst
			m := &fsMaker{r: o.r, regs: &regs, pc: pc}
			b := m.make(row)
			for in.Decode(b, pc) != nil { // no 66 here, or an extended prefix of other length
				b = m.make(row)
			}
			if int(in.Len) != len(b) {
				o.Errorf("%s: % x: %d bytes", row.name, b, in.Len)
				return
			}
			s.insts, s.code = append(s.insts, in), append(s.code, b...)
			s.copy = append(s.copy, s.nativeForm(&in, b)...)
			s.raw(0x0f, 0x0b)
			copy(text[at:], s.code)
			copy(native[at:], s.copy)
			insts[i] = s.insts
		}
		o.write(o.code, text)
		copy(o.engine.space.Code()[nativeBase-host.CacheLo:], native)
		for i, s := range starts {
			at := uint64(i * oracleRoom)
			want := o.runNative(ht, s, nativeBase+at)
			got, refused := o.runTranslated(ht, s, o.code+at)
			o.done++
			switch {
			case refused:
				o.refused++
				o.Errorf("%s: refused\n%s", fsRows[rows[i]].name, listing(text[at:], insts[i]))
			case want.differs(got) != "":
				o.Errorf("%s: %s\n%s", fsRows[rows[i]].name, want.differs(got), listing(text[at:], insts[i]))
			case want.signal == SigILL && want.rip == insts[i][len(insts[i])-1].PC-o.code-at:
				o.comparer.ended++
				o.ended[rows[i]]++
			}
		}
	}()
	<-done
}
