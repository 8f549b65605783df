package decode

import "encoding/binary"

const (
	pfxNone = iota
	pfxREX
	pfx66
	pfx67
	pfxF2
	pfxF3
	pfxLock
	pfxNullSeg
	pfxFS
	pfxGS
)

var prefixKind = func() (t [256]uint8) {
	for i := 0x40; i < 0x50; i++ {
		t[i] = pfxREX
	}
	t[0x66], t[0x67], t[0xf2], t[0xf3], t[0xf0] = pfx66, pfx67, pfxF2, pfxF3, pfxLock
	t[0x26], t[0x2e], t[0x36], t[0x3e] = pfxNullSeg, pfxNullSeg, pfxNullSeg, pfxNullSeg
	t[0x64], t[0x65] = pfxFS, pfxGS
	return
}()

// blank is an Inst before its first byte.
var blank = Inst{SegOff: -1, RexOff: -1, ModRMOff: -1, DispOff: -1, ImmOff: -1, Base: NoReg, Index: NoReg,
	Scale: 1, DispScale: 1, AddrSize: 8}

// Decode fills in from the instruction at the start of code, which lies at guest address pc. It allocates nothing and
// looks at no more than 15 bytes. On an error in holds no instruction, except that PC and the prefixes seen are set.
// Errors: ErrTruncated, ErrInvalid, ErrTooLong, ErrUnknown, ErrAddress.
func (in *Inst) Decode(code []byte, pc uint64) error {
	if len(code) > MaxLen {
		code = code[:MaxLen]
	}
	*in = blank
	in.PC = pc
	if int64(pc)<<16>>16 != int64(pc) {
		return ErrAddress
	}
	short := ErrTruncated
	if len(code) == MaxLen {
		short = ErrTooLong
	}

	// Prefixes. A REX counts only if the opcode follows it at once.
	i := 0
	var rex uint8
	var b byte
	for {
		if i >= len(code) {
			return short
		}
		b = code[i]
		k := prefixKind[b]
		if k == pfxNone {
			break
		}
		if k == pfxREX {
			rex, in.RexOff = b, int8(i)
			i++
			continue
		}
		rex, in.RexOff = 0, -1
		switch k {
		case pfx66:
			in.Prefixes |= PrefixOpSize
		case pfx67:
			in.Prefixes |= PrefixAddrSize
			in.AddrSize = 4
		case pfxF2:
			in.Prefixes = in.Prefixes&^PrefixRep | PrefixRepne
		case pfxF3:
			in.Prefixes = in.Prefixes&^PrefixRepne | PrefixRep
		case pfxLock:
			in.Prefixes |= PrefixLock
		case pfxNullSeg:
			in.Prefixes |= PrefixSeg
		case pfxFS:
			in.Prefixes |= PrefixSeg
			in.Seg, in.SegOff = SegFS, int8(i)
		case pfxGS:
			in.Prefixes |= PrefixSeg
			in.Seg, in.SegOff = SegGS, int8(i)
		}
		i++
	}
	if rex != 0 {
		in.Prefixes |= PrefixREX
		in.Rex = rex & 15
	}

	// Opcode and its table.
	space := spaceLegacy
	switch {
	case b == 0x0f:
		if i+1 >= len(code) {
			return short
		}
		i++
		b = code[i]
		space, in.OpMap = 1, 1
		switch b {
		case 0x38, 0x3a:
			space = 2
			if b == 0x3a {
				space = 3
			}
			in.OpMap = uint8(space)
			i++
			if i >= len(code) {
				return short
			}
			b = code[i]
		case 0x0f:
			return in.decode3DNow(code, i, short)
		}
	case b&0xfe == 0xc4 || b == 0x62 || b == 0x8f && i+1 < len(code) && code[i+1]&0x1f >= 8:
		if in.Prefixes&(PrefixLock|PrefixRep|PrefixRepne|PrefixOpSize|PrefixREX) != 0 {
			return ErrInvalid
		}
		var err error
		if i, space, err = in.vexPrefix(code, i, short); err != nil {
			return err
		}
		b = code[i]
	case b == 0xd5:
		return ErrUnknown
	}
	in.Opcode, in.OpOff = b, uint8(i)
	i++

	// The entry.
	n := tableMaps[space][b]
	for n&nodeSplit != 0 {
		s := tableSplits[n&^nodeSplit]
		var k uint16
		switch s.kind {
		case splitPfx:
			k = uint16(in.pp())
		case splitW:
			k = uint16(in.Rex >> 3)
		case splitLen:
			if i >= len(code) {
				return short
			}
			k = uint16(in.lenIndex(code[i]))
		case splitBC:
			k = uint16(in.EVEXp2 >> 4 & 1)
		default:
			if i >= len(code) {
				return short
			}
			switch m := uint16(code[i]); s.kind {
			case splitMod:
				if m >= 0xc0 {
					k = 1
				}
			case splitReg:
				k = m >> 3 & 7
			case splitRM:
				k = m & 7
			}
		}
		n = tableKids[s.base+k]
	}
	if n <= 1 {
		if n == 1 || in.Enc == EncEVEX {
			return ErrUnknown
		}
		return ErrInvalid
	}
	e := &tableEntries[n]
	in.Class, in.Flow = e.class, e.flow

	if e.attr&attrModRM != 0 {
		var err error
		if i, err = in.modRM(code, i, e, short); err != nil {
			return err
		}
	}
	if in.Prefixes&PrefixLock != 0 && (!in.HasMem || e.class&ClassLockable == 0) {
		return ErrInvalid
	}
	in.setSize(e)
	if e.imm != immNone {
		if i = in.immediate(code, i, e); i < 0 {
			return short
		}
	}
	in.Len = uint8(i)
	if in.DispScale == 0 {
		return ErrInvalid
	}
	if e.flow != FlowNext {
		switch e.imm {
		case immJ8, immJZ, immJX:
			in.Target = in.branchTarget()
		}
	}
	in.effects(e)
	return nil
}

// pp is the mandatory prefix that selects within an opcode, numbered as in VEX: none, 66, F3, F2.
func (in *Inst) pp() uint8 {
	if in.Enc != EncLegacy {
		return in.vpp
	}
	switch {
	case in.Prefixes&PrefixRep != 0:
		return 2
	case in.Prefixes&PrefixRepne != 0:
		return 3
	case in.Prefixes&PrefixOpSize != 0:
		return 1
	}
	return 0
}

// lenIndex is L'L as the tables index it. With EVEX.b and a register operand L'L is a rounding mode and the length is
// 512.
func (in *Inst) lenIndex(modrm byte) uint8 {
	if in.Enc == EncEVEX {
		if in.EVEXp2&0x10 != 0 && modrm >= 0xc0 {
			return 2
		}
		return in.EVEXp2 >> 5 & 3
	}
	if in.VecLen == 32 {
		return 1
	}
	return 0
}

// setSize derives the operand size from the prefixes.
func (in *Inst) setSize(e *entry) {
	switch {
	case e.size == sizeB:
		in.OpSize = 1
	case in.Rex&RexW != 0:
		in.OpSize = 8
	case in.Prefixes&PrefixOpSize != 0 && (e.size != sizeF64 || hostVendor == VendorAMD):
		in.OpSize = 2
	case e.size == sizeV:
		in.OpSize = 4
	default:
		in.OpSize = 8
	}
	if e.size == sizeF64 && in.Prefixes&PrefixOpSize != 0 {
		in.Class |= ClassVendor
	}
}

// modRM reads ModRM, SIB and displacement at code[i] and returns the offset after them.
func (in *Inst) modRM(code []byte, i int, e *entry, short error) (int, error) {
	if i >= len(code) {
		return 0, short
	}
	m := code[i]
	in.ModRM, in.ModRMOff = m, int8(i)
	i++
	if m >= 0xc0 || e.attr&attrRegMod != 0 {
		if e.class&ClassVSIB != 0 {
			return 0, ErrInvalid
		}
		return i, nil
	}
	in.HasMem = true
	mod, rm := m>>6, m&7
	dl := 0
	switch mod {
	case 1:
		dl = 1
	case 2:
		dl = 4
	}
	if rm == 4 {
		if i >= len(code) {
			return 0, short
		}
		sib := code[i]
		in.SIB = sib
		i++
		in.Scale = 1 << (sib >> 6)
		index := sib>>3&7 | in.Rex&RexX<<2
		if e.class&ClassVSIB != 0 {
			in.VIndex = index
			if in.Enc == EncEVEX && in.EVEXp2&8 == 0 {
				in.VIndex |= 16
			}
		} else if index != 4 {
			in.Index = Reg(index)
		}
		if base := sib & 7; base == 5 && mod == 0 {
			dl = 4
		} else {
			in.Base = Reg(base | in.Rex&RexB<<3)
		}
	} else if e.class&ClassVSIB != 0 || e.attr&attrSIB != 0 {
		return 0, ErrInvalid
	} else if mod == 0 && rm == 5 {
		in.Base = RIP
		dl = 4
	} else {
		in.Base = Reg(rm | in.Rex&RexB<<3)
	}
	if in.Enc == EncEVEX {
		if in.EVEXp2&0x10 != 0 && e.attr&attrBcast == 0 {
			return 0, ErrInvalid
		}
	}
	switch dl {
	case 1:
		if i >= len(code) {
			return 0, short
		}
		in.Disp, in.DispOff, in.DispLen = int64(int8(code[i])), int8(i), 1
		if in.Enc == EncEVEX {
			in.DispScale = in.dispScale(e)
			in.Disp *= int64(in.DispScale)
		}
	case 4:
		if i+4 > len(code) {
			return 0, short
		}
		in.Disp, in.DispOff, in.DispLen = int64(int32(binary.LittleEndian.Uint32(code[i:]))), int8(i), 4
	}
	return i + dl, nil
}

// immediate reads the immediate at code[i] and returns the offset after it, or -1 when the code is too short.
func (in *Inst) immediate(code []byte, i int, e *entry) int {
	n := 0
	switch e.imm {
	case imm8, immJ8:
		n = 1
	case imm16, immPair:
		n = 2
	case immZ, immJZ, immJX:
		n = 4
		if in.OpSize == 2 {
			n = 2
		}
	case immV:
		n = int(in.OpSize)
	case immEnter:
		n = 3
	case immMoffs:
		n = int(in.AddrSize)
		in.Moffs = true
	}
	if i+n > len(code) {
		return -1
	}
	in.ImmOff, in.ImmLen = int8(i), uint8(n)
	c := code[i:]
	switch n {
	case 1:
		in.Imm = int64(int8(c[0]))
	case 2:
		in.Imm = int64(int16(binary.LittleEndian.Uint16(c)))
	case 3:
		in.Imm = int64(binary.LittleEndian.Uint16(c)) | int64(c[2])<<16
	case 4:
		v := binary.LittleEndian.Uint32(c)
		in.Imm = int64(int32(v))
		if e.imm == immMoffs {
			in.Imm = int64(v)
		}
	case 8:
		in.Imm = int64(binary.LittleEndian.Uint64(c))
	}
	return i + n
}

// branchTarget is the address a relative branch names. A 16-bit operand size truncates it (AMD).
func (in *Inst) branchTarget() uint64 {
	t := in.End() + uint64(in.Imm)
	if in.OpSize == 2 && in.Flow != FlowXbegin {
		t = uint64(uint16(t))
	}
	return t
}

// decode3DNow reads 0F 0F ModRM ... suffix, the second 0F at code[i].
func (in *Inst) decode3DNow(code []byte, i int, short error) error {
	in.OpMap, in.OpOff = 0xf, uint8(i)
	e := &tableEntries[tableMaps[space3DNow][0x0f]]
	i, err := in.modRM(code, i+1, e, short)
	if err != nil {
		return err
	}
	if i >= len(code) {
		return short
	}
	in.Opcode = code[i]
	n := tableMaps[space3DNow][in.Opcode]
	if n == 0 || in.Opcode == 0x0f || in.Prefixes&PrefixLock != 0 {
		return ErrInvalid
	}
	in.ImmOff, in.ImmLen, in.Imm = int8(i), 1, int64(int8(in.Opcode))
	in.Len = uint8(i + 1)
	e = &tableEntries[n]
	in.Class = e.class
	in.setSize(e)
	in.effects(e)
	return nil
}
