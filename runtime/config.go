package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/strace"
)

// Config says what to run and what it is granted.
type Config struct {
	// Executable is the ELF file. It is read while Start runs and, for symbols of
	// a fault report, until the process has ended; Size is its length in bytes.
	Executable io.ReaderAt
	Size       int64
	// Name is what messages and reports call the program.
	Name string

	// ArgData is the argument data, as package argdata encodes it. The guest gets
	// a copy.
	ArgData []byte

	// FDs are host descriptors, on Windows handles, or 0, 1 and 2 for the standard ones;
	// FDs[i] becomes the guest's descriptor i. They are
	// duplicated: the caller keeps its own, and may close them when Start has
	// returned. Rights follow the object's type and the access mode.
	FDs []int

	// Drop[i] is taken away from the rights of FDs[i], and from those of what is
	// opened through it. It may be shorter than FDs.
	Drop []Rights

	// Trace writes system calls down, those of forked processes and of programs that
	// they become, too; nil for not at all.
	Trace *Trace

	// Profile samples where the guest spends its CPU time, what it becomes by proc_exec
	// included; nil for not at all.
	Profile *Profile

	// PerfMap gets, when the process has ended, the functions of its last program by the
	// host addresses of their translations, as perf reads them from /tmp/perf-PID.map;
	// nil for not at all. Translations that were dropped are not in it (Stats.Flushes).
	PerfMap io.Writer

	// JITDump gets the same, with the translations, in perf's jitdump form; nil for not at all.
	// perf wants the file's name to be jit-PID.dump.
	JITDump *os.File

	// Debug lets a debugger drive the process; nil for none.
	Debug *Debug

	// Coverage writes which code was executed, and Counts how often, that of what the process becomes by proc_exec
	// included; nil for not at all.
	Coverage *Coverage
	Counts   *Counts

	// CodeLog writes translations down; nil for not at all.
	CodeLog *CodeLog

	// StackSize is the size of the first thread's stack in bytes, rounded up to
	// pages; 0 means DefaultStackSize.
	StackSize uint64

	// Limits bound what the guest takes.
	Limits Limits

	// Strict makes translated code keep r11 across returns and indirect calls, the flags
	// across returns, and the bytes below rsp across calls and returns. The ABI lets a
	// program lose them, and no compiler relies on them; to keep them makes calls slower.
	Strict bool

	// TLS names the strategy by which guest threads have an %fs of their own, one of
	// TLSStrategies; empty for the host's default. All do the same; they differ in what
	// they cost.
	TLS string

	// Tier says how guest code is executed: one of Tiers, or empty for the default, which is
	// TierHome where the TLS strategy has it and nothing else in here needs TierCache. What
	// a program does is the same, unless it jumps where no instruction of its own is.
	Tier string

	// Without lists optimisations of translations that are to be left out, by name,
	// separated by commas; "all" is every one. It is there to find the one at fault when
	// a program goes wrong: what programs do is the same without them.
	Without string
}

// Rights is a set of things that may be done with a descriptor. They are those of
// the ABI; ParseRight knows their names.
type Rights = abi.Rights

// AllRights are all that there are; RightsThatChange those by which a file or a
// directory can become another than it was.
const (
	AllRights        Rights = 1<<64 - 1
	RightsThatChange        = abi.RightFDWrite | abi.RightFileAllocate | abi.RightFileCreateDirectory |
		abi.RightFileCreateFile | abi.RightFileCreateFifo | abi.RightFileLinkSource | abi.RightFileLinkTarget |
		abi.RightFileRenameSource | abi.RightFileRenameTarget | abi.RightFileStatFputSize | abi.RightFileStatFputTimes |
		abi.RightFileStatPutTimes | abi.RightFileSymlink | abi.RightFileUnlink | abi.RightSockBindDirectory
)

// ParseRight finds a right by its name, such as "fd_read".
func ParseRight(name string) (Rights, bool) { return abi.RightByName(name) }

// A Trace says how system calls are written down, and where. Processes that are
// forked write to a duplicate of the file: it should be open for appending.
type Trace struct {
	TraceOptions
	To *os.File
}

// TraceOptions say what is written of system calls, and how.
type TraceOptions = strace.Options

// ParseTraceFilter reads which calls are written: names of calls and of groups,
// separated by commas, all but those after an exclamation mark.
func ParseTraceFilter(s string) (strace.Filter, error) { return strace.ParseFilter(s) }

// DefaultStackSize is the size of the first thread's stack in bytes.
const DefaultStackSize = 8 << 20

var (
	// ErrBusy is answered by Start while another process is live.
	ErrBusy = errors.New("runtime: another guest process is live in this process")

	// ErrAddressSpace is wrapped when a fixed place in the host's address space is
	// already taken. Starting this program anew usually helps, since Linux places
	// Go's heap at random.
	ErrAddressSpace = host.ErrNoSpace
)

// A LaunchError says why a program could not be started. Err is what went wrong;
// the message is one sentence for people and names the program.
type LaunchError struct {
	Program string
	Err     error
}

func (e *LaunchError) Error() string { return fmt.Sprintf("cannot run %s: %v", e.Program, e.Err) }

// Unwrap gives the reason.
func (e *LaunchError) Unwrap() error { return e.Err }

// MaxStarts is how often a program should be started anew for ErrAddressSpace.
const MaxStarts = host.MaxStarts

// StartAnew replaces this program by a fresh start of it: the same command line and
// descriptors, with count in the environment variable env. It returns only if it
// fails.
func StartAnew(env, count string) error { return host.StartAnew(env, count) }

// Supervise runs this program once more, in a child, on a host that may end a program
// without letting it say why, and returns what the child has ended with; what it could
// not report is on standard error then. done is false everywhere else, in the child
// among them, which is to call Ended before it exits.
func Supervise() (status int, done bool) { return host.Supervise() }

// Ended notes that this process ends by itself: see Supervise.
func Ended() { host.Ended() }

// Prepare claims guest memory's place in the address space. Start does so, too,
// but a program that allocates much before should call it first thing. Further
// calls return the same result; the error wraps ErrAddressSpace when a fresh start
// of this program may help.
func Prepare() error {
	_, err := host.Reserve()
	return err
}
