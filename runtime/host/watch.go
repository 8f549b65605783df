package host

import "errors"

// A Watch is memory that a thread's accesses are watched of, by the CPU's debug registers.
type Watch struct {
	Addr uint64 // a multiple of Len
	Len  uint8  // 1, 2, 4 or 8 bytes
	Read bool   // reads count, too; the CPU cannot tell them from writes
}

// MaxWatches is how many of them a CPU has.
const MaxWatches = 4

// TrapPerf is the code (Block.FaultCode) of the SIGTRAP behind an instruction that has
// accessed watched memory: TRAP_PERF of Linux (include/uapi/asm-generic/siginfo.h).
// Block.FaultAddr is then Watch.Addr.
const TrapPerf = 6

// ErrNoWatches says that the host, or its administrator, lets this program have no debug
// registers, or no more of them.
var ErrNoWatches = errors.New("the host gives no (more) debug registers")
