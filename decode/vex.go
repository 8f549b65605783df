package decode

// vexPrefix reads the VEX, EVEX or XOP prefix at code[i] and returns the offset of the opcode and its table.
func (in *Inst) vexPrefix(code []byte, i int, short error) (int, int, error) {
	in.RexOff = int8(i)
	b0 := code[i]
	n := 3 // bytes up to the opcode
	switch b0 {
	case 0xc5:
		n = 2
	case 0x62:
		n = 4
	}
	if i+n >= len(code) {
		return 0, 0, short
	}
	p0 := code[i+1]
	in.VecLen = 16
	if b0 == 0xc5 {
		in.Enc, in.OpMap = EncVEX2, 1
		in.Rex = ^p0 >> 5 & RexR
		in.vexTail(p0)
		return i + n, spaceVEX + 1, nil
	}
	in.Rex = ^p0 >> 5 & (RexR | RexX | RexB)
	p1 := code[i+2]
	in.Rex |= p1 >> 4 & RexW
	if b0 == 0x62 {
		return in.evexPrefix(code, i, p0, p1)
	}
	in.vexTail(p1)
	in.OpMap = p0 & 31
	if b0 == 0x8f {
		in.Enc = EncXOP
		if in.OpMap > 10 {
			return 0, 0, ErrInvalid
		}
		return i + n, spaceXOP + int(in.OpMap) - 8, nil
	}
	in.Enc = EncVEX3
	if in.OpMap > 7 {
		return 0, 0, ErrInvalid
	}
	return i + n, spaceVEX + int(in.OpMap), nil
}

// vexTail takes vvvv, L and pp from the last payload byte of VEX and XOP.
func (in *Inst) vexTail(p byte) {
	in.VVVV = ^p >> 3 & 15
	if p&4 != 0 {
		in.VecLen = 32
	}
	in.vpp = p & 3
}

// evexPrefix finishes 62 p0 p1 p2. APX gives meanings to bits that AVX-512 reserves; those are ErrUnknown, never a
// guess: map 4, and the inverted bits B4 (p0 bit 3) and X4 (p1 bit 2).
func (in *Inst) evexPrefix(code []byte, i int, p0, p1 byte) (int, int, error) {
	p2 := code[i+3]
	in.Enc, in.OpMap = EncEVEX, p0&7
	if p0&8 != 0 || p1&4 == 0 || in.OpMap == 4 {
		return 0, 0, ErrUnknown
	}
	in.EVEXp2 = p2
	in.VVVV = ^p1>>3&15 | ^p2<<1&16
	in.vpp = p1 & 3
	switch p2 >> 5 & 3 {
	case 0:
		in.VecLen = 16
	case 1:
		in.VecLen = 32
	case 2:
		in.VecLen = 64
	default:
		in.VecLen = 0
	}
	return i + 4, spaceEVEX + int(in.OpMap), nil
}

// dispScale is the N of disp8*N, or 0 for a reserved vector length.
func (in *Inst) dispScale(e *entry) uint8 {
	elem := uint8(4)
	if e.attr&attrElem2 != 0 {
		elem = 2
	} else if in.Rex&RexW != 0 {
		elem = 8
	}
	switch e.tuple {
	case tupleFull, tupleHalf, tupleQuarter, tupleEighth:
		if in.EVEXp2&0x10 != 0 && e.attr&attrBcast != 0 {
			return elem
		}
		return in.VecLen >> (e.tuple - tupleFull)
	case tupleDup:
		if in.VecLen == 16 {
			return 8
		}
		return in.VecLen
	case tupleNone:
		return 1
	}
	return 1 << (e.tuple - tuple1)
}
