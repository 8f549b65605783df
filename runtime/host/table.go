package host

// A Table is one of the two look-up tables of host addresses.
type Table struct {
	Base uint64 // address of the slot of guest address 0
	Miss uint64 // what the slot of pc holds before it is set: Miss + pc
}

// The tables; layout.go says what they are for.
var (
	Landings    = Table{TableDisp, MissBase}
	CallEntries = Table{CallTable, CallMissBase}
)

// Slot is the address of pc's slot; pc is below 2^32.
func (t Table) Slot(pc uint64) uint64 { return t.Base + 8*pc }
