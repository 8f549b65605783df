package gdb

import (
	"errors"
	"io"
)

// A ThreadID identifies a thread: positive.
type ThreadID int64

// Target is what the server drives: a process, running or stopped as a whole. But for
// Interrupt, Stops and Attach, methods are called only while it is stopped; none is
// called by two goroutines at a time, Interrupt excepted.
type Target interface {
	// Attach stops the process for a debugger, and returns when no thread runs. The
	// error says why that is not possible, ErrEnded for one.
	Attach() error
	// Detach clears breakpoints and watchpoints and lets everything go on.
	Detach()
	// Kill ends the process.
	Kill()

	// Program describes what is being run; it changes with a stop of kind Exec.
	Program() Program
	// Threads lists the threads, oldest first: none when somebody else ends the process.
	Threads() []ThreadID
	// ThreadName is what a thread is and does, for people.
	ThreadName(ThreadID) string

	// Registers returns the state of a thread; SetRegisters changes it.
	Registers(ThreadID) (*Registers, error)
	SetRegisters(ThreadID, *Registers) error

	// ReadMemory reads as much of len(b) bytes at addr as can be read. WriteMemory
	// writes all or some, to read-only memory too.
	ReadMemory(b []byte, addr uint64) (n int)
	WriteMemory(addr uint64, b []byte) error
	// TLSAddress is where a thread has the thread-local variable at the given offset of
	// the program's TLS segment.
	TLSAddress(id ThreadID, offset uint64) (uint64, error)

	// SetPoint and ClearPoint set a breakpoint or watchpoint, and undo that.
	// ErrUnsupported for kinds that there are none of here.
	SetPoint(Point) error
	ClearPoint(Point) error

	// Resume lets threads go on; those without an action stay where they are. A stop
	// follows. Interrupt makes it come soon.
	Resume([]Action) error
	Interrupt()
	// Stops delivers the stop that each Resume leads to, when no thread runs any more, and
	// the end of the process when somebody else has ended it.
	Stops() <-chan Stop
}

var (
	// ErrUnsupported is a Target's answer to what it does not have at all.
	ErrUnsupported = errors.New("not supported")
	// ErrEnded says that there is no process any more.
	ErrEnded = errors.New("the process has ended")
	// ErrInCall is the answer to SetRegisters of a thread in a system call.
	ErrInCall = errors.New("the thread is in a system call: its registers cannot be changed")
)

// Program is what a debugger may know of the program.
type Program struct {
	Path    string // absolute, of the executable; empty when it has none
	PID     int    // a number for it
	Created bool   // it was started for the debugger, which kills it when it leaves
	File    io.ReaderAt
	Size    int64

	Base  uint64 // what is added to addresses of the file
	Entry uint64
	Phdr  uint64 // address of the program headers, 0 if they are not in memory
	Phnum int

	XState XState
}

// A Point is a breakpoint or watchpoint.
type Point struct {
	Kind PointKind
	Addr uint64
	Len  uint64 // bytes, of a watchpoint
}

// PointKind is its number in packets Z and z.
type PointKind int

// The kinds.
const (
	Breakpoint PointKind = iota
	HardwareBreakpoint
	WatchWrite
	WatchRead
	WatchAccess
)

// An Action is what a thread is to do.
type Action struct {
	Thread ThreadID
	Step   bool
	Lo, Hi uint64 // with Step: go on stepping while the program counter is in [Lo, Hi)
	Signal int    // one of gdb's numbers; 0 for none
}

// A Stop is why the process stopped.
type Stop struct {
	Kind   StopKind
	Thread ThreadID
	Signal int // one of gdb's numbers
	Addr   uint64
	Code   uint32 // of StopExited
	Info   []byte // Linux's siginfo_t of the signal; nil for none
}

// StopKind is a kind of stop.
type StopKind int

// The kinds.
const (
	StopSignal    StopKind = iota // a signal, a finished step, an interrupt
	StopBreak                     // Thread is at a breakpoint of either kind
	StopWatch                     // Thread has accessed memory of a watchpoint of WatchWrite, at Addr
	StopAccess                    // and of one of WatchAccess
	StopExec                      // the process has become another program
	StopExited                    // it has ended with Code
	StopKilled                    // it was ended by Signal
	StopNoResumed                 // no thread is left that was to go on
	StopAttached                  // a debugger has connected: no Target's, but the session's own
)

// Signal numbers of gdb's (include/gdb/signals.def), the same for every system.
const (
	SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT   = 1, 2, 3, 4, 5, 6
	SIGFPE, SIGKILL, SIGBUS, SIGSEGV, SIGSYS, SIGPIPE   = 8, 9, 10, 11, 12, 13
	SIGALRM, SIGTERM, SIGURG, SIGSTOP, SIGTSTP, SIGCONT = 14, 15, 16, 17, 18, 19
	SIGCHLD, SIGTTIN, SIGTTOU, SIGXCPU, SIGXFSZ         = 20, 21, 22, 24, 25
	SIGVTALRM, SIGUSR1, SIGUSR2                         = 26, 30, 31
)
