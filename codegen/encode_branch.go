package codegen

// Control transfers.

// Cond is a condition code as the low four bits of the jcc opcode encode it.
type Cond uint8

// Sizes in bytes of branches, for callers that place displacements.
const (
	JumpLen     = 5 // e9 rel32
	CallLen     = 5 // e8 rel32
	JumpCondLen = 6 // 0f 8x rel32
)

// Jump emits jmp rel32 to a host address.
func (b *Buffer) Jump(target uint64) {
	b.Bytes(0xe9)
	b.Rel32(target)
}

// Call emits call rel32 to a host address.
func (b *Buffer) Call(target uint64) {
	b.Bytes(0xe8)
	b.Rel32(target)
}

// JumpCond emits jcc rel32 to a host address.
func (b *Buffer) JumpCond(c Cond, target uint64) {
	b.Bytes(0x0f, 0x80|byte(c))
	b.Rel32(target)
}

// CondNE is the condition of jne.
const CondNE Cond = 5

// JumpCondShort emits jcc rel8 whose target PutRel8 is told.
func (b *Buffer) JumpCondShort(c Cond) { b.Bytes(0x70|byte(c), 0) }

// PutRel8 makes the short branch that ends at offset end reach the next byte, no more
// than 127 bytes behind it.
func (b *Buffer) PutRel8(end int) {
	d := len(b.mem) - end
	if d > 127 {
		panic("codegen: a short branch does not reach its target")
	}
	b.mem[end-1] = byte(d)
}

// JumpTable emits jmp *disp(,%index,8). index must not be rsp.
func (b *Buffer) JumpTable(disp int32, index Reg) {
	if index >= R8 {
		b.Bytes(0x42)
	}
	b.tableOperand(0xff, 4, disp, index)
}

// PushTable emits push disp(,%index,8). index must not be rsp.
func (b *Buffer) PushTable(disp int32, index Reg) {
	if index >= R8 {
		b.Bytes(0x42)
	}
	b.tableOperand(0xff, 6, disp, index)
}

// LoadTable emits mov disp(,%index,8),%r. index must not be rsp.
func (b *Buffer) LoadTable(r Reg, disp int32, index Reg) {
	b.Bytes(0x48 | byte(r>>3)<<2 | byte(index>>3)<<1)
	b.tableOperand(0x8b, byte(r&7), disp, index)
}

// CallTable emits call *disp(,%index,8). index must not be rsp.
func (b *Buffer) CallTable(disp int32, index Reg) {
	if index >= R8 {
		b.Bytes(0x42)
	}
	b.tableOperand(0xff, 2, disp, index)
}

// CallBasedTable emits call *disp(%base,%index,8). index must not be rsp.
func (b *Buffer) CallBasedTable(disp int32, base, index Reg) {
	if index == RSP {
		panic("codegen: rsp cannot be an index")
	}
	if rex := byte(0x40) | byte(index>>3)<<1 | byte(base>>3); rex != 0x40 {
		b.Bytes(rex)
	}
	b.Bytes(0xff, 0x94, 3<<6|byte(index&7)<<3|byte(base&7))
	b.U32(uint32(disp))
}

// CallGS emits call *%gs:off.
func (b *Buffer) CallGS(off int32) {
	b.Bytes(0x65, 0xff, 0x14, 0x25)
	b.U32(uint32(off))
}

// JumpGS emits jmp *%gs:off.
func (b *Buffer) JumpGS(off int32) {
	b.Bytes(0x65, 0xff, 0x24, 0x25)
	b.U32(uint32(off))
}

func (b *Buffer) tableOperand(opcode, ext byte, disp int32, index Reg) {
	if index == RSP {
		panic("codegen: rsp cannot be an index")
	}
	b.Bytes(opcode, ext<<3|4, 3<<6|byte(index&7)<<3|5)
	b.U32(uint32(disp))
}

// Return emits ret.
func (b *Buffer) Return() { b.Bytes(0xc3) }

// Trap emits ud2.
func (b *Buffer) Trap() { b.Bytes(0x0f, 0x0b) }
