package host

// The fixed places of the reserved address space. Every number is a host
// virtual address; see doc.go for the reasons behind them.
const (
	// PageSize is the size in bytes of the smallest unit of protection.
	PageSize = 4096

	// GuardAddr is the lowest page the process maps. The bounds check of an
	// indirect branch reads the byte at GuardAddr minus the upper half of the
	// target: only a target below 2^32 reads the page itself, any other reads
	// below it, where nothing can be mapped, or in the kernel's half.
	GuardAddr = 0x1_0000

	// ArenaLo and ArenaHi bound all guest memory.
	ArenaLo = 0x2_0000
	ArenaHi = 0x6000_0000

	// CacheLo is where translated code executes; CacheSize is its size in bytes.
	CacheLo   = ArenaHi
	CacheSize = 0x0c00_0000

	// The look-up table holds one 8-byte host address per guest byte, at
	// TableDisp + 8*pc, for every pc below 2^32. TableDisp must fit a signed
	// 32-bit displacement.
	TableDisp = 0x7000_0000
	TableSize = 8 << 32

	// TableChunk is the unit in bytes in which the table is filled: the slots of
	// 32 KiB of guest text. It bounds the number of mappings a large text needs.
	TableChunk = 256 << 10

	// MissBase + pc is never mapped: it is what the table holds for a pc of the
	// arena that has no landing yet, so that the fetch fault names the pc.
	MissBase = 0x9_0000_0000
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
