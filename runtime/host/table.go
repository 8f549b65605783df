package host

// A Table is a look-up table of host addresses.
type Table struct {
	Base   uint64 // address of the slot of guest address 0
	Miss   uint64 // what the slot of pc holds before it is set: Miss + pc
	Stride uint64 // distance in bytes from one slot to the next
}

// Slot is the address of pc's slot; pc is below 2^32.
func (t Table) Slot(pc uint64) uint64 { return t.Base + t.Stride*pc }
