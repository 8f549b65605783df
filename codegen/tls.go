package codegen

// KeptSpill is the number of the first spill cell that keeps its value while the thread
// is outside the guest. The others are scratch.
const KeptSpill = 3

// Cells are the words of a thread that code which has no register to spare reads
// and writes, as distances in bytes from the %gs base.
type Cells struct {
	Spill   [5]int32
	FSBase  int32 // the guest's %fs base
	RIP     int32
	ExitArg int32
	Exit    int32
	Entry   int32

	// Block is the cell that holds the address of the thread block. 0: the %gs base
	// is that address itself, and the cells are fields of the block.
	Block int32
	// Scratch keeps one guest register while a stub looks the block up; unused when
	// Block is 0.
	Scratch int32
}

// Switch is what the stubs do to the host's %fs on the way into the guest and out.
type Switch uint8

// The ways of switching.
const (
	SwitchNone     Switch = iota // nothing: %fs stays the host's
	SwitchSyscall                // arch_prctl, Linux's system call
	SwitchFSGSBase               // WRFSBASE, where the system lets user space use it
)
