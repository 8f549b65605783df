package codegen

// Loads, stores and address arithmetic. Offsets from %gs are displacements from
// the thread block's guest word, encoded as absolute 32-bit displacements
// (ModRM.rm = 100, SIB = 25). None of these instructions changes flags,
// but for TestUpper and CompareStack.

func rexW(r, x, b Reg) byte { return 0x48 | byte(r>>3)<<2 | byte(x>>3)<<1 | byte(b>>3) }

// StoreGS emits mov %reg, %gs:off (64 bits).
func (b *Buffer) StoreGS(off int32, r Reg) {
	b.Bytes(0x65, rexW(r, 0, 0), 0x89, byte(r&7)<<3|4, 0x25)
	b.U32(uint32(off))
}

// LoadGS emits mov %gs:off, %reg (64 bits).
func (b *Buffer) LoadGS(r Reg, off int32) {
	b.Bytes(0x65, rexW(r, 0, 0), 0x8b, byte(r&7)<<3|4, 0x25)
	b.U32(uint32(off))
}

// LoadGS32 emits mov %gs:off, %reg32, which clears the upper half.
func (b *Buffer) LoadGS32(r Reg, off int32) {
	b.Bytes(0x65)
	if r >= R8 {
		b.Bytes(0x44)
	}
	b.Bytes(0x8b, byte(r&7)<<3|4, 0x25)
	b.U32(uint32(off))
}

// StoreImmGS32 emits movl $imm, %gs:off.
func (b *Buffer) StoreImmGS32(off int32, imm uint32) {
	b.Bytes(0x65, 0xc7, 0x04, 0x25)
	b.U32(uint32(off))
	b.U32(imm)
}

// StoreImmGS emits movq $imm, %gs:off; imm is sign-extended.
func (b *Buffer) StoreImmGS(off int32, imm int32) {
	b.Bytes(0x65, 0x48, 0xc7, 0x04, 0x25)
	b.U32(uint32(off))
	b.U32(uint32(imm))
}

// Move emits mov %src, %dst (64 bits).
func (b *Buffer) Move(dst, src Reg) {
	b.Bytes(rexW(src, 0, dst), 0x89, 0xc0|byte(src&7)<<3|byte(dst&7))
}

// Move32 emits mov %src, %dst (32 bits), which clears the upper half.
func (b *Buffer) Move32(dst, src Reg) {
	if rex := rexW(src, 0, dst) &^ 8; rex != 0x40 {
		b.Bytes(rex)
	}
	b.Bytes(0x89, 0xc0|byte(src&7)<<3|byte(dst&7))
}

// ByteSwap emits bswap %reg (64 bits).
func (b *Buffer) ByteSwap(r Reg) { b.Bytes(rexW(0, 0, r), 0x0f, 0xc8|byte(r&7)) }

// Not emits not %reg (64 bits), which leaves flags alone.
func (b *Buffer) Not(r Reg) { b.Bytes(rexW(0, 0, r), 0xf7, 0xd0|byte(r&7)) }

// TestUpper emits test $-0x80000000, %reg: ZF tells whether the value is below 2^31. It
// changes the flags.
func (b *Buffer) TestUpper(r Reg) {
	b.Bytes(rexW(0, 0, r), 0xf7, 0xc0|byte(r&7), 0, 0, 0, 0x80)
}

// LoadByte emits movzbl disp(%base), %dst32. base must not be rsp or r12.
func (b *Buffer) LoadByte(dst, base Reg, disp int32) {
	if base&7 == 4 {
		panic("codegen: LoadByte base needs a SIB byte")
	}
	if dst >= R8 || base >= R8 {
		b.Bytes(0x40 | byte(dst>>3)<<2 | byte(base>>3))
	}
	b.Bytes(0x0f, 0xb6, 0x80|byte(dst&7)<<3|byte(base&7))
	b.U32(uint32(disp))
}

// LoadWord emits mov disp(%base), %dst (64 bits). base must not be rsp or r12.
func (b *Buffer) LoadWord(dst, base Reg, disp int32) { b.based(0x8b, dst, base, disp) }

// StoreWord emits mov %src, disp(%base) (64 bits). base must not be rsp or r12.
func (b *Buffer) StoreWord(base Reg, disp int32, src Reg) { b.based(0x89, src, base, disp) }

// AddLea emits lea disp(%r), %r: it adds without touching flags. r must not be rsp
// or r12.
func (b *Buffer) AddLea(r Reg, disp int32) { b.based(0x8d, r, r, disp) }

// TripleLea emits lea disp(%r,%r,2), %r: it adds to three times the register without
// touching flags. r must not be rsp.
func (b *Buffer) TripleLea(r Reg, disp int32) {
	if r == RSP {
		panic("codegen: rsp cannot be an index")
	}
	b.Bytes(0x48|byte(r>>3)*7, 0x8d, 0x80|byte(r&7)<<3|4, 1<<6|byte(r&7)<<3|byte(r&7))
	b.U32(uint32(disp))
}

// based emits an instruction with REX.W and the operand disp(%base).
func (b *Buffer) based(opcode byte, dst, base Reg, disp int32) {
	if base&7 == RSP {
		panic("codegen: the base needs a SIB byte")
	}
	b.Bytes(0x48|byte(dst>>3)<<2|byte(base>>3), opcode, 0x80|byte(dst&7)<<3|byte(base&7))
	b.U32(uint32(disp))
}

// LoadStack32 emits mov disp(%rsp), %reg32.
func (b *Buffer) LoadStack32(r Reg, disp int8) {
	if r >= R8 {
		b.Bytes(0x44)
	}
	b.Bytes(0x8b, 0x44|byte(r&7)<<3, 0x24, byte(disp))
}

// AddRSP emits lea disp(%rsp), %rsp.
func (b *Buffer) AddRSP(disp int32) {
	if disp >= -128 && disp < 128 {
		b.Bytes(0x48, 0x8d, 0x64, 0x24, byte(disp))
		return
	}
	b.Bytes(0x48, 0x8d, 0xa4, 0x24)
	b.U32(uint32(disp))
}

// PushImm emits push $imm, sign-extended to 64 bits.
func (b *Buffer) PushImm(imm int32) {
	b.Bytes(0x68)
	b.U32(uint32(imm))
}

// CompareStack emits cmpq $imm, (%rsp), the immediate sign-extended. It changes the flags.
func (b *Buffer) CompareStack(imm int32) {
	b.Bytes(0x48, 0x81, 0x3c, 0x24)
	b.U32(uint32(imm))
}

// Pop emits pop %reg.
func (b *Buffer) Pop(r Reg) {
	if r >= R8 {
		b.Bytes(0x41)
	}
	b.Bytes(0x58 | byte(r&7))
}

// AddReg emits lea (%dst,%src,1), %dst: an addition that leaves flags alone. src
// must not be rsp.
func (b *Buffer) AddReg(dst, src Reg) {
	if src == RSP {
		panic("codegen: rsp cannot be an index")
	}
	// disp8 form throughout: base rbp and r13 have no form without displacement.
	b.Bytes(rexW(dst, src, dst), 0x8d, 0x44|byte(dst&7)<<3, byte(src&7)<<3|byte(dst&7), 0)
}

// LoadImm emits mov $v, %r, in 5, 6 or 10 bytes.
func (b *Buffer) LoadImm(r Reg, v uint64) {
	if v == uint64(uint32(v)) {
		if r >= R8 {
			b.Bytes(0x41)
		}
		b.Bytes(0xb8 | byte(r&7))
		b.U32(uint32(v))
		return
	}
	b.Bytes(rexW(0, 0, r), 0xb8|byte(r&7))
	b.U64(v)
}

// LoadSelf emits mov (%r), %r (64 bits). r must not be rsp or r12.
func (b *Buffer) LoadSelf(r Reg) { b.based(0x8b, r, r, 0) }
