//go:build !(linux && amd64)

package host

// ClockCall is 0: stubs read no clocks here.
func ClockCall() uint64 { return 0 }

// LetClocks does nothing here.
func (t *Thread) LetClocks(bool) {}

// Clocks is 0 here.
func (t *Thread) Clocks() uint64 { return 0 }
