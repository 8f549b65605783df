package host

// TLS is what a host must do for the strategy by which guest threads have an %fs of
// their own (package rewrite). The process has one at a time.
type TLS struct {
	// GSBase is what a thread's start makes the %gs base: its distance in bytes from
	// the guest's %fs word.
	GSBase int32
	// BlockCell is the distance from the %gs base of the word that gets the address of
	// the thread block; 0 for none.
	BlockCell int32
	// Swap: the stubs exchange %fs. Every signal handler then does so, too.
	Swap bool
}
