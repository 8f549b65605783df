package decode

//go:generate go run ./internal/tablegen

// An entry says everything about one opcode that its bytes alone do not. The generated entries are shared: equal ones
// occur once.
type entry struct {
	class            Class
	impR, impW, impK RegSet // implicit registers: read, may be written, overwritten
	reg, rm, vv, op  action // what happens to the general register in ModRM.reg, ModRM.rm, VEX.vvvv, opcode
	fr, fw           uint8  // flags
	attr             attr
	imm              immKind
	flow             Flow
	size             sizeKind
	tuple            tuple
}

// An action is how one register operand is used: bit 0 reads it, bit 1 writes it, and the rest is its width.
type action uint8

const (
	actR   action = 1
	actW   action = 2
	actRW  action = 3
	actMsk action = 3

	widthV action = 0 << 2 // operand size
	widthB action = 1 << 2 // 8 bits, maybe a high byte
	widthW action = 2 << 2 // 16 bits
	widthF action = 3 << 2 // 32 or 64 bits whatever 0x66 says: a write replaces the whole register
	widthM action = 3 << 2
)

type attr uint16

const (
	attrModRM   attr = 1 << iota
	attrKV           // impK overwrites only when the operand size is at least 4
	attrNop90        // 90: a no-op unless REX.B
	attrShift        // immediate or CL shift: no flags change when the masked count is 0
	attrIdiom        // xor/sub with itself: the register is not read
	attrRegMod       // ModRM.mod is ignored: always registers (mov to and from control registers)
	attrSIB          // needs a SIB byte, and no RIP-relative form (AMX)
	attrBcast        // EVEX: b with memory broadcasts
	attrRound        // EVEX: b with registers rounds or suppresses exceptions
	attrUnknown      // an encoding space not covered
	attrNoV          // VEX/EVEX: vvvv must be 1111; left to the CPU to refuse, see doc.go
	attrElem2        // EVEX tuple element of 2 bytes (AVX512-FP16)
)

type immKind uint8

const (
	immNone  immKind = iota
	imm8             // ib, sign-extended
	imm16            // iw
	immZ             // iw or id by operand size
	immV             // iw, id, iq by operand size
	immEnter         // iw ib
	immPair          // ib ib (extrq, insertq)
	immMoffs         // address-size wide
	immJ8            // rel8
	immJZ            // rel32, or rel16 with 0x66 where the vendor says so
	immJX            // xbegin: rel16 or rel32 by operand size
)

type sizeKind uint8

const (
	sizeV   sizeKind = iota // 4, 0x66: 2, REX.W: 8
	sizeB                   // 1
	sizeD64                 // 8, 0x66: 2
	sizeF64                 // 8 whatever 0x66 says (Intel); 2 with 0x66 (AMD)
)

// A tuple tells how EVEX scales an 8-bit displacement (Intel SDM volume 2, section 2.7.5).
type tuple uint8

const (
	tupleNone    tuple = iota
	tupleFull          // vector length, or the element with broadcast
	tupleHalf          // half the vector length, or the element with broadcast
	tupleQuarter       // a quarter (FP16 only with broadcast)
	tupleEighth        // an eighth
	tuple1             // 1 byte
	tuple2             // 2 bytes
	tuple4
	tuple8
	tuple16
	tuple32
	tuple64
	tupleDup // movddup: 8, 32, 64
)

// Split kinds: which bits choose the child of an inner table node.
const (
	splitPfx uint8 = iota // none, 66, F3, F2 (legacy: by precedence; VEX, EVEX: pp) - in pp order 0 none 1 66 2 F3 3 F2
	splitMod              // memory, register
	splitReg              // ModRM.reg
	splitRM               // ModRM.rm
	splitW                // W
	splitLen              // L'L (EVEX with b and registers: 2)
	splitBC               // EVEX.b
)

type split struct {
	kind uint8
	base uint16 // of the children in tableKids
}

// Table spaces: rows of tableMaps.
const (
	spaceLegacy = 0  // + map 0 to 3
	space3DNow  = 4  //
	spaceVEX    = 8  // + map
	spaceEVEX   = 16 // + map
	spaceXOP    = 24 // + map - 8
	numSpaces   = 28
)

const nodeSplit = 0x8000 // set in a node index: the rest indexes tableSplits; otherwise it indexes tableEntries
