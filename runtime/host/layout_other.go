//go:build !windows

package host

// MapUnit is what the offset and the address of a shared mapping have to agree modulo;
// whatever lies in one unit with pages of it must show the same object.
const MapUnit = PageSize

// Viewed reports whether addr, in the arena, shares its unit with a shared mapping: other
// memory cannot be there.
func Viewed(addr uint64) bool { return false }

// The fixed places on hosts that leave the low addresses to the program.
const (
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

	// PackedLea is 0: the tables are two, see layout_windows.go.
	PackedLea  = 0
	PackedDisp = 0

	MissBase     = 0x11_0000_0000
	CallMissBase = 0x12_0000_0000

	// BlockBase is where thread blocks lie. A forked guest finds its thread's at the
	// same address, which its %fs base is.
	BlockBase = 0x13_0000_0000
)

// The tables.
var (
	Landings    = Table{TableDisp, MissBase, 8}
	CallEntries = Table{CallTable, CallMissBase, 8}
	Jumps       = Table{}
)
