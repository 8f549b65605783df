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
	// is the distance from TableDisp to CallTable, unless the table is packed.
	GuardAddr = 0x1_0000

	// ArenaLo bounds all guest memory from below, ArenaHi from above.
	ArenaLo = 0x2_0000

	// TableChunk is the unit in bytes in which a table is filled: the slots of
	// 4 KiB of guest text.
	TableChunk = 32 << 10

	// MissBase + pc and CallMissBase + pc are never mapped: they are what the tables
	// hold for a pc of the arena that has no landing or call entry yet, so that the
	// fetch fault names the pc, and which of them is missing.
	MissSize = ArenaHi
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
