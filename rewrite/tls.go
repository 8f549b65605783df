package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cabitrans/codegen"
)

// A TLS is a strategy by which every guest thread gets an %fs of its own on a host
// that has another use for the register. Strategies are values without state: what
// they answer is the same for all threads of a process, and never changes.
type TLS interface {
	// Name is what --tls takes.
	Name() string
	// Check says why a host cannot run it; nil if it can.
	Check(Host) error
	// FS says how an operand in %fs is rewritten.
	FS() FS
	// Cells says where translated code finds its words of a thread; block is where
	// they are when the %gs base is the thread block.
	Cells(block codegen.Cells) codegen.Cells
	// Switch is what the entry and exit stubs do to the host's %fs.
	Switch() codegen.Switch
	// On is the strategy as a host that can run it has it: with the words that the host
	// has given to this process.
	On(Host) TLS
	// GSBase is what a thread's start makes the %gs base on a host that lets it
	// choose: the distance in bytes from the guest's %fs word. Where the host does
	// not, that is what it must come to.
	GSBase() int32
}

// Host is what a strategy must know about the machine.
type Host struct {
	OS       string // as runtime.GOOS has it
	FSGSBase bool   // user space may use WRFSBASE
	// Slots are the numbers of the TLS slots that the process has, SlotCount of them, on
	// a host that gives out such; nil elsewhere.
	Slots []uint8
}

// AnyOS, as Host.OS, is a host that can be made to look like every other. Linux is,
// for tests: it lets user space choose its %gs base.
const AnyOS = "any"

// is reports whether the host is one of the systems, or can look like it.
func (h Host) is(systems ...string) bool { return h.OS == AnyOS || slices.Contains(systems, h.OS) }

// FS says where the host has what the guest addresses through %fs. It holds while
// the guest's %fs base is the one that the thread began with; with the prefix 0x64,
// the guest's own, it holds always.
type FS struct {
	Prefix byte  // of the segment; 0 if there is none, and every access loads the base
	Disp   int32 // distance in bytes from the segment's base to the guest's %fs word
}

// Follows reports whether translations stay right when a guest moves its base.
func (f FS) Follows() bool { return f.Prefix == 0 || f.Prefix == prefixFS }

// Segment prefixes.
const (
	prefixFS = 0x64
	prefixGS = 0x65
)

// Strategies lists all there are. The first that a host can run is its default.
var Strategies = []TLS{
	GS{}, lastSlots, firstKeys,
	Indirect{}, Indirect{Over: lastSlots}, Indirect{Over: firstKeys},
	Swap{codegen.SwitchSyscall}, Swap{codegen.SwitchFSGSBase},
}

// ErrTLS is wrapped when a strategy is unknown or cannot run on a host.
var ErrTLS = errors.New("no such TLS strategy")

// SelectTLS returns the strategy of the given name, or the host's default for an
// empty one. Errors wrap ErrTLS.
func SelectTLS(name string, h Host) (TLS, error) {
	why := fmt.Errorf("there is no TLS strategy %q", name)
	for _, s := range Strategies {
		switch err := s.Check(h); {
		case err == nil && (s.Name() == name || name == ""):
			return s.On(h), nil
		case err != nil && s.Name() == name:
			why = fmt.Errorf("the TLS strategy %s %w", name, err)
		}
	}
	here := TLSNames(h)
	if len(here) == 0 {
		return nil, fmt.Errorf("%w: no strategy can run on %s", ErrTLS, h.OS)
	}
	return nil, &TLSError{why: why, here: here}
}

// TLSNames returns the names of the strategies that a host can run, the default
// first.
func TLSNames(h Host) (names []string) {
	for _, s := range Strategies {
		if s.Check(h) == nil && !slices.Contains(names, s.Name()) {
			names = append(names, s.Name())
		}
	}
	return names
}

// A TLSError says why a strategy was refused, and which others there are.
type TLSError struct {
	why  error
	here []string
}

func (e *TLSError) Error() string {
	return fmt.Sprintf("%v; on this host there are %s", e.why, strings.Join(e.here, ", "))
}

// Is makes errors.Is find ErrTLS.
func (e *TLSError) Is(target error) bool { return target == ErrTLS }

// FieldsOf is what a Rewriter needs of the cells.
func FieldsOf(c codegen.Cells) Fields {
	return Fields{Spill: c.Spill, FSBase: c.FSBase, RIP: c.RIP, ExitArg: c.ExitArg, Block: c.Block}
}
