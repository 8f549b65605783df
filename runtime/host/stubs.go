package host

// Stubs are the host addresses that signal or exception handlers and kicks must know; the
// code generator makes them once per process.
type Stubs struct {
	EnterLo, EnterHi uint64 // the enter stubs: guest state is still whole in the Block
	ExitLo, ExitHi   uint64 // the exit stubs: on the way to Go
	Abort            uint64 // leaves an enter stub with ExitAbort
	FaultExit        uint64 // leaves the guest when the handler has saved its registers

	// The stub that reads clocks: a kick in [ClockLo, ClockHi), and a fault at ClockStore, lead
	// to ClockRedo. 0 if there is none.
	ClockLo, ClockHi, ClockStore, ClockRedo uint64
}
