package host

// The fixed places of the reserved address space. Every number is a host
// virtual address; see doc.go for the reasons behind them.
const (
	// PageSize is the size in bytes of the smallest unit of protection.
	PageSize = 4096

	// GuardAddr is the lowest page the process maps. The bounds check of an
	// indirect branch reads the byte at GuardAddr minus the upper half of the
	// target: only a target below 2^32 reads the page itself, any other reads
	// below it, where nothing can be mapped, or in the kernel's half. Its first word
	// is the distance from TableDisp to CallTable.
	GuardAddr = 0x1_0000

	// ArenaLo and ArenaHi bound all guest memory.
	ArenaLo = 0x2_0000
	ArenaHi = 0x6000_0000

	// CacheLo is where translated code executes; CacheSize is its size in bytes.
	CacheLo   = ArenaHi
	CacheSize = 0x0c00_0000

	// There are two look-up tables of one 8-byte host address per guest byte: at
	// TableDisp + 8*pc the landings of jumps and returns, at CallTable + 8*pc the
	// call entries, both for every pc below 2^32. TableDisp must fit a signed 32-bit
	// displacement. CallTable lies where no index below 2^32 reaches from TableDisp:
	// a wild jump never finds a call entry.
	TableDisp = 0x7000_0000
	CallTable = TableDisp + TableSize
	TableSize = 8 << 32

	// CallLea, added twice to a guest address, makes it the index of its call entry
	// off CallDisp: 8*(pc + 2*CallLea) + CallDisp = 8*pc + CallTable.
	CallLea  = 0x7fff_fff0
	CallDisp = CallTable - 16*CallLea

	// TableChunk is the unit in bytes in which a table is filled: the slots of
	// 8 KiB of guest text. It bounds the number of mappings a large text needs.
	TableChunk = 64 << 10

	// MissBase + pc and CallMissBase + pc are never mapped: they are what the tables
	// hold for a pc of the arena that has no landing or call entry yet, so that the
	// fetch fault names the pc, and which of them is missing.
	MissBase     = 0x11_0000_0000
	CallMissBase = 0x12_0000_0000
	MissSize     = ArenaHi

	// BlockBase is where thread blocks lie. A forked guest finds its thread's at the
	// same address, which its %fs base is.
	BlockBase = 0x13_0000_0000
)

// Prot is the access a mapping grants to data accesses of the guest. There is
// no execute permission: guest text is data for the host.
type Prot uint8

const (
	ProtNone  Prot = 0
	ProtRead  Prot = 1 << 0
	ProtWrite Prot = 1 << 1
)

// Range is the half-open interval [Lo, Hi) of addresses.
type Range struct{ Lo, Hi uint64 }

// Contains reports whether [addr, addr+n) lies inside r; n may be 0.
func (r Range) Contains(addr, n uint64) bool {
	return addr >= r.Lo && addr <= r.Hi && n <= r.Hi-addr
}
