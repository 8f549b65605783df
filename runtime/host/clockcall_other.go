//go:build !((linux || windows) && amd64)

package host

// ClockCalls is empty: stubs read no clocks here.
func ClockCalls() Clocks { return Clocks{} }

// LetClocks does nothing here.
func (t *Thread) LetClocks(bool) {}

// Clocks is 0 here.
func (t *Thread) Clocks() uint64 { return 0 }
