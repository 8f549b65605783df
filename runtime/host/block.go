package host

// A Block is the private part of a thread block: what translated code and the
// stubs keep for one guest thread. It lies BlockOffset bytes behind the guest's
// %fs word, so that no small displacement off %fs reaches it, and is addressed
// as %gs:BlockOffset+field.
//
// Ownership: the thread itself writes every field; the exceptions are Kick,
// which any thread sets, and State, which the kicker reads after a process-wide
// memory barrier. The signal handler runs on the thread and may write all of it
// while State is StateGuest.
type Block struct {
	HostSP uint64 // stack pointer of the Go frame that entered the guest
	HostBP uint64
	HostG  uint64 // Go's g register
	State  uint32 // one of the State constants
	Kick   uint32 // non-zero: leave the guest at the next instruction boundary

	Exit    uint32 // why the guest was left, one of the Exit constants
	ExitArg uint32 // call number, kind of branch or of trap: by Exit
	Entry   uint64 // host address at which the enter stub continues
	FSBase  uint64 // the guest's %fs base once it has moved it

	// Spill keeps guest registers that a rewritten sequence borrows. Spill[0] is
	// r11's, written by every indirect branch.
	Spill [5]uint64

	MXCSR     uint32 // guest's, as of the last exit of any kind
	HostMXCSR uint32 // what Go runs with

	Regs  [16]uint64 // in encoding order: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8..r15
	RIP   uint64     // guest address, valid while State is StateHost
	Flags uint64

	// What the fault handler saw; HostPC is the host address that was executing.
	FaultSignal uint32
	FaultCode   uint32
	FaultAddr   uint64
	FaultTrap   uint64 // x86 exception vector
	FaultError  uint64 // x86 page-fault error code
	HostPC      uint64

	Result uint64    // what a vDSO call returns in rax
	Args   [8]uint64 // machine arguments of a system call; the stubs store the first six of a vDSO call's

	// Where the stubs exchange %fs: what the guest gets, and what is given back.
	// HostFS is 0 where they do not.
	RealFS, HostFS uint64

	// Watched is an address at which a Watch has found an access outside of translated
	// code: by a stub, or by Go in the guest's name. 0 for none; see Thread.SetWatches.
	Watched uint64

	// Counters is the address of the thread's counters of blocks; 0 for none.
	Counters uint64

	// Restore says that XSave may have been written to, so that the next full entry
	// loads all of it.
	Restore uint32

	// Where a stub reads clocks for the guest: on the stack whose end is ClockSP; 0 where the
	// thread's calls must go to Go. Clocks counts them; anyone may read it.
	ClockSP, Clocks uint64

	// Selectors are what the guest has loaded into %fs and %gs.
	Selectors [2]uint16
}

// Values of Block.State.
const (
	StateHost    = 0 // in Go; the guest's state is at an instruction boundary
	StateGuest   = 1 // in translated code or a stub
	StateLeaving = 2 // in Go; the state is that of HostPC and needs the source map
)

// Values of Block.Exit.
const (
	ExitNone    = iota
	ExitCall    // a vDSO entry was called; ExitArg is its number
	ExitLink    // a direct branch to code without translation; ExitArg is its kind, RIP the target
	ExitSyscall // a raw syscall instruction; RIP is behind it
	ExitTrap    // an instruction the translator raises or emulates; ExitArg says which
	ExitFault   // a host signal; see the Fault fields
	ExitKick    // Kick was set; the state is that of Fault fields, HostPC says where
	ExitAbort   // Kick was set before the guest was entered: no guest state changed
)

const (
	// BlockOffset is the distance in bytes from the guest's %fs word to the Block.
	BlockOffset = 0x1_0000
	// XSaveOffset is the distance from the guest's %fs word to the area that the
	// full exit saves the extended state in; 64-byte aligned.
	XSaveOffset = BlockOffset + 0x400

	blockStride  = 0x3_0000 // from one thread block to the next
	blockPrivate = 0x4000   // bytes of Block and XSAVE area
	xsaveMax     = blockPrivate - 0x400
	clockStack   = 0x4000 // bytes behind that, for the host's vDSO: at most some hundreds are used

	blocksSize = (MaxThreads + 1) * blockStride

	// MaxThreads bounds the guest threads of the process. Go gives up at 10,000
	// operating-system threads, so the bound stays well below.
	MaxThreads = 4096
)

// DefaultMXCSR is the value at the start of every thread: all exceptions masked,
// round to nearest (AMD64 ABI, section 3.4.1).
const DefaultMXCSR = 0x1f80
