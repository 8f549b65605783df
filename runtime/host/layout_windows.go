package host

// The fixed places on Windows. The page that every process has at 0x7ffe0000, and what
// Wine has between 4 and 12 GiB, leave no room for a table that a displacement reaches.
// So there is one table of three words per guest byte, with its base in an index
// (rewrite.Packed): at TableBase + 24*pc.
const (
	ArenaHi = 0x6c00_0000

	// CacheLo is where translated code executes; CacheSize is its size in bytes.
	CacheLo   = ArenaHi
	CacheSize = 0x0c00_0000

	// TableBase is the table's address: 8*PackedLea + PackedDisp, far above what a
	// program has mapped that does not ask for a place.
	TableBase  = 0x4_0000_0000
	TableSize  = 24 << 32
	PackedLea  = 0x7800_0000
	PackedDisp = TableBase - 8*PackedLea

	// What only hosts with two tables need.
	TableDisp, CallLea, CallDisp = 0, 0, 0

	MissBase     = 0x1d_0000_0000
	CallMissBase = 0x1e_0000_0000
	missEnd      = 0x1f_0000_0000
)

// The tables are the words of one.
var (
	Landings    = Table{TableBase, MissBase, 24}
	CallEntries = Table{TableBase + 8, CallMissBase, 24}
	Jumps       = Table{TableBase + 16, 0, 24}
)
