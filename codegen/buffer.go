package codegen

import "encoding/binary"

// Reg is a host general register by its encoding, 0 (rax) to 15 (r15).
type Reg uint8

// The registers by name.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Buffer appends code to a stretch of memory that executes at another address
// than it is written at. The zero Buffer has no room.
type Buffer struct {
	mem  []byte // len = emitted so far, cap = the stretch
	base uint64 // where mem[0] executes
}

// NewBuffer returns a Buffer over mem, whose first byte executes at base.
func NewBuffer(mem []byte, base uint64) *Buffer {
	return &Buffer{mem: mem[:0:len(mem)], base: base}
}

// PC is the host address of the next byte.
func (b *Buffer) PC() uint64 { return b.base + uint64(len(b.mem)) }

// Len is the number of bytes emitted.
func (b *Buffer) Len() int { return len(b.mem) }

// Room is the number of bytes that can still be emitted.
func (b *Buffer) Room() int { return cap(b.mem) - len(b.mem) }

// Truncate drops everything from byte n on.
func (b *Buffer) Truncate(n int) { b.mem = b.mem[:n] }

// Code returns the emitted bytes from offset n on. They alias the buffer.
func (b *Buffer) Code(n int) []byte { return b.mem[n:] }

// Bytes appends raw bytes.
func (b *Buffer) Bytes(p ...byte) { b.mem = append(b.mem, p...) }

// Copy appends p.
func (b *Buffer) Copy(p []byte) { b.mem = append(b.mem, p...) }

// U32 appends a little-endian word.
func (b *Buffer) U32(v uint32) { b.mem = binary.LittleEndian.AppendUint32(b.mem, v) }

// U64 appends a little-endian quadword.
func (b *Buffer) U64(v uint64) { b.mem = binary.LittleEndian.AppendUint64(b.mem, v) }

// Rel32 appends the displacement that reaches target from behind itself. The
// target must be within 2 GiB.
func (b *Buffer) Rel32(target uint64) { b.U32(uint32(target - (b.PC() + 4))) }

// nops holds the recommended no-operations of one to nine bytes (Intel manual,
// volume 2, NOP).
var nops = [...][]byte{
	{},
	{0x90},
	{0x66, 0x90},
	{0x0f, 0x1f, 0x00},
	{0x0f, 0x1f, 0x40, 0x00},
	{0x0f, 0x1f, 0x44, 0x00, 0x00},
	{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
	{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
	{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	{0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
}

// AlignRel32 emits no-operations so that a displacement which begins after n
// more bytes is aligned to four bytes.
func (b *Buffer) AlignRel32(n int) {
	pad := -(len(b.mem) + n + int(b.base)) & 3
	b.Copy(nops[pad])
}

// Align emits no-operations up to a multiple of n, a power of two.
func (b *Buffer) Align(n int) { b.AlignTo(n, 0) }

// AlignTo emits no-operations up to an address that is rest modulo n, a power of
// two.
func (b *Buffer) AlignTo(n int, rest uint64) {
	for pad := int(rest-b.PC()) & (n - 1); pad > 0; {
		k := min(pad, len(nops)-1)
		b.Copy(nops[k])
		pad -= k
	}
}
