//go:build linux || windows

package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// Registers that random instructions address memory through, and never change.
var dataRegs = [...]decode.Reg{decode.RBX, decode.RBP, decode.RSI, decode.RDI, decode.R12}

const (
	indexReg = decode.R13 // a small number
	fsReg    = decode.R14 // an offset in the page at %fs
)

const keptRegs = decode.RegSet(1<<decode.RBX | 1<<decode.RBP | 1<<decode.RSI | 1<<decode.RDI | 1<<decode.R12 |
	1<<indexReg | 1<<fsReg | 1<<decode.RSP)

// A sequence is random code that goes forward and ends with ud2.
type sequence struct {
	r      *rand.Rand
	pc     uint64 // where the guest has it
	native uint64 // where its native copy is
	data   uint64
	fs     uint64 // where %fs begins, if the native copy has none; otherwise 0
	fixed  bool   // translations take the base for the thread's word, at which there is no page in the latter case

	code, copy []byte
	insts      []decode.Inst
	jumps      []int // offsets behind 4-byte displacements
	shorts     []int // behind 1-byte displacements
}

func (s *sequence) generate() {
	for n := 1 + s.r.IntN(24); n > 0 && len(s.code) < oracleRoom-64; n-- {
		switch s.r.IntN(16) {
		case 0:
			s.jump()
		case 1:
			s.repeat()
		default:
			s.instruction()
		}
	}
	s.raw(0x0f, 0x0b)
	s.land()
}

// raw appends an instruction that is the same in both copies.
func (s *sequence) raw(b ...byte) { s.both(b, b) }

// both appends an instruction, and what stands for it in the native copy.
func (s *sequence) both(b, native []byte) {
	var in decode.Inst
	if err := in.Decode(b, s.pc+uint64(len(s.code))); err != nil {
		panic(err)
	}
	s.insts = append(s.insts, in)
	s.code, s.copy = append(s.code, b...), append(s.copy, native...)
}

// jump appends a branch whose target, further on, land chooses.
func (s *sequence) jump() {
	cc := byte(s.r.IntN(16))
	switch s.r.IntN(4) {
	case 0:
		s.raw(0x0f, 0x80|cc, 0, 0, 0, 0)
	case 1:
		s.raw(0xe9, 0, 0, 0, 0)
	case 2:
		s.raw(0x70|cc, 0)
		s.shorts = append(s.shorts, len(s.code))
		return
	default:
		if s.r.IntN(2) == 0 {
			s.raw(0x67, 0xe0|cc&3, 0) // ecx
		} else {
			s.raw(0xe0|cc&3, 0)
		}
		s.shorts = append(s.shorts, len(s.code))
		return
	}
	s.jumps = append(s.jumps, len(s.code))
}

// land gives every branch a target behind it.
func (s *sequence) land() {
	target := func(from, reach int) int {
		var to []int
		for i := range s.insts {
			// A repetition comes with its count.
			if off := int(s.insts[i].PC - s.pc); off >= from && off-from < reach && !s.insts[i].Repeats() {
				to = append(to, off)
			}
		}
		return to[s.r.IntN(len(to))] - from
	}
	for _, at := range s.jumps {
		d := uint32(target(at, 1<<20))
		binary.LittleEndian.PutUint32(s.code[at-4:], d)
		binary.LittleEndian.PutUint32(s.copy[at-4:], d)
	}
	for _, at := range s.shorts {
		d := byte(target(at, 128))
		s.code[at-1], s.copy[at-1] = d, d
	}
}

// repeat appends a string instruction with a repeat prefix and a small count.
func (s *sequence) repeat() {
	op := [...]byte{0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}[s.r.IntN(10)]
	s.raw(0xb9, byte(s.r.IntN(24)), 0, 0, 0)
	if s.r.IntN(2) == 0 {
		s.raw(0xf2|byte(s.r.IntN(2)), op)
	} else {
		s.raw(0xf2|byte(s.r.IntN(2)), 0x48, op)
	}
}

// instruction appends a random instruction that is safe to execute.
func (s *sequence) instruction() {
	for {
		b := s.random()
		var in decode.Inst
		pc := s.pc + uint64(len(s.code))
		if in.Decode(b, pc) != nil || !s.safe(&in) || in.HasMem && !s.address(&in, b) {
			continue
		}
		if in.Decode(b, pc) != nil { // with the displacement that address chose
			panic("engine: a displacement changed the instruction")
		}
		b = b[:in.Len]
		s.insts = append(s.insts, in)
		s.code = append(s.code, b...)
		s.copy = append(s.copy, s.nativeForm(&in, b)...)
		return
	}
}

// random returns bytes that often are an instruction.
func (s *sequence) random() []byte {
	r := s.r
	b := make([]byte, 0, 32)
	some := func(n int, c byte) {
		if r.IntN(n) == 0 {
			b = append(b, c)
		}
	}
	some(8, 0x66)
	some(16, 0xf2|byte(r.IntN(2)))
	some(24, 0xf0)
	some(24, 0x67)
	if r.IntN(4) == 0 {
		b = append(b, [...]byte{0x64, 0x64, 0x64, 0x65, 0x2e, 0x3e}[r.IntN(6)])
	}
	some(8, 0x66)
	switch r.IntN(8) {
	case 0:
		b = append(b, 0xc5, byte(r.Uint32()))
	case 1:
		b = append(b, 0xc4, 0xe1+byte(r.IntN(3))&^byte(r.IntN(8)<<5), byte(r.Uint32()))
	case 2:
		b = append(b, 0x62, 0xf1+byte(r.IntN(3))&^byte(r.IntN(16)<<4), byte(r.Uint32())|4, byte(r.Uint32()))
	case 3, 4, 5:
		b = append(b, 0x40|byte(r.IntN(16)))
		fallthrough
	default:
		switch r.IntN(4) {
		case 0:
			b = append(b, 0x0f)
		case 1:
			some(2, 0x0f)
			if n := len(b); n > 0 && b[n-1] == 0x0f {
				b = append(b, [...]byte{0x38, 0x3a}[r.IntN(2)])
			}
		}
	}
	for len(b) < 30 {
		b = append(b, byte(r.Uint32()))
	}
	return b
}

const unsafeClass = decode.ClassPrivileged | decode.ClassIO | decode.ClassSegLoad | decode.ClassFSBase | decode.ClassSwapGS |
	decode.ClassPopf | decode.ClassMustTrap | decode.ClassTSX | decode.ClassTime | decode.ClassUINTR | decode.ClassKL |
	decode.ClassAMX | decode.ClassCET | decode.ClassVSIB | decode.ClassState

// safe reports whether in changes nothing but registers and its explicit operand,
// or the stack and data in bounds, and does the same each time.
func (s *sequence) safe(in *decode.Inst) bool {
	legacy := in.Enc == decode.EncLegacy
	switch {
	case in.Flow != decode.FlowNext || in.Class&unsafeClass != 0 || in.Repeats():
		return false
	case legacy && in.OpMap == 1 && (in.Opcode <= 1 || in.Opcode == 0xc7 && !in.HasMem || in.Opcode == 0xae && !in.HasMem):
		return false // system groups; rdrand; waiting
	case legacy && in.OpMap == 2 && in.Opcode >= 0xf8:
		return false // stores through a register, and newer
	case in.Class&decode.ClassStringAddr != 0 && in.HasMem:
		return false // anywhere
	case in.Class&decode.ClassImplicitSeg != 0 && in.Seg == decode.SegFS:
		return false // rsi, rdi and rbx point into the data
	case in.Class&decode.ClassString != 0:
		return true // single steps from where rsi and rdi are
	case in.Class&decode.ClassImplicitSeg != 0:
		return legacy && in.OpMap == 0 && in.Opcode == 0xd7 && in.AddrSize == 8 || in.OpMap == 1 && in.Opcode == 0xf7
	case in.Moffs:
		return false // 8 random bytes of address
	case in.Class&decode.ClassStackImplicit != 0:
		push := in.Opcode >= 0x50 && in.Opcode < 0x60 || in.Opcode == 0x68 || in.Opcode == 0x6a || in.Opcode == 0x9c || in.Opcode == 0xff
		return in.OpMap == 0 && push && in.OpSize == 8 && in.Writes&keptRegs&^decode.RSP.Bit() == 0 && in.Opcode != 0x5c
	}
	return in.Writes&keptRegs == 0
}

// address makes the memory operand of b, already decoded as in, one in the data
// or, with %fs, in its page; false if that takes other registers.
func (s *sequence) address(in *decode.Inst, b []byte) bool {
	r := s.r
	fs := in.Seg == decode.SegFS
	if in.Index != decode.NoReg && in.Index != indexReg {
		return false
	}
	disp := int64(r.IntN(256) - 128)
	if r.IntN(4) != 0 {
		disp &^= 63 // mostly aligned
	}
	switch {
	case fs && (!s.reachesFS() || s.fs != 0 && in.DispLen != 4):
		return false // the native copy cannot reach it
	case in.Base == decode.RIP:
		if fs {
			return false
		}
		disp += int64(s.data) + oracleData/2 - int64(in.End())
	case in.Base == decode.NoReg:
		if disp += host.PageSize / 2; !fs {
			disp += int64(s.data) + oracleData/2 - host.PageSize/2
		}
	case fs && in.Base == fsReg:
		disp += 128
	case fs && in.DispLen == 4 && slices.Contains(dataRegs[:], in.Base):
		disp += host.PageSize/2 - int64(s.data) - oracleData/2
	case fs:
		return false
	case in.Base == fsReg: // the null page, and not whatever a random displacement leads to
		if r.IntN(50) != 0 {
			return false
		}
	default:
		if !slices.Contains(dataRegs[:], in.Base) {
			return false
		}
	}
	switch in.DispLen {
	case 1:
		b[in.DispOff] = byte(disp / int64(max(in.DispScale, 1)))
		if fs {
			b[in.DispOff] &= 0x7f
		}
	case 4:
		binary.LittleEndian.PutUint32(b[in.DispOff:], uint32(disp))
	}
	return true
}

// reachesFS says whether the sequence may have operands in %fs.
func (s *sequence) reachesFS() bool { return s.fs == 0 || !s.fixed }

// nativeForm is the instruction as it is executed in the native copy. An operand in %fs has a
// displacement of four bytes where the copy has no %fs, to which the base is added: the sum does
// not overflow, since all that the guest has lies below 2 GiB.
func (s *sequence) nativeForm(in *decode.Inst, code []byte) []byte {
	b := append([]byte(nil), code...)
	end := int(in.OpOff)
	if in.RexOff >= 0 {
		end = int(in.RexOff)
	}
	reach := s.fs != 0 && in.Seg == decode.SegFS && in.HasMem && in.Class&decode.ClassAddrOnly == 0
	last := byte(0) // the last of these prefixes counts
	for i := end - 1; i >= 0; i-- {
		if c := b[i]; c == 0x64 || c == 0x65 {
			b[i] = 0x3e
			if last == 0 && c == 0x64 && !reach {
				b[i] = c
			}
			last = c
		}
	}
	if reach && in.DispLen != 4 {
		panic("engine: the native copy cannot reach the operand")
	}
	if reach {
		d := binary.LittleEndian.Uint32(b[in.DispOff:]) + uint32(s.fs)
		binary.LittleEndian.PutUint32(b[in.DispOff:], d)
	}
	if in.RIPRel() {
		d := binary.LittleEndian.Uint32(b[in.DispOff:]) + uint32(s.pc-s.native)
		binary.LittleEndian.PutUint32(b[in.DispOff:], d)
	}
	return b
}
