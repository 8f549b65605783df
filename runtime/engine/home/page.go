package home

import "errors"

// PageSize is the size in bytes of a page.
const PageSize = 4096

// A bitmap has a bit for each byte of a page.
type bitmap [PageSize / 64]uint64

func (b *bitmap) has(off uint64) bool { return b[off/64]>>(off%64)&1 != 0 }
func (b *bitmap) set(off uint64)      { b[off/64] |= 1 << (off % 64) }

// A Patch is a byte of a page that differs on the host from what the guest has.
type Patch struct {
	Off      uint16
	Old, New byte
}

// A Branch is a direct branch that leaves its page. Its displacement has four bytes.
type Branch struct {
	Off    uint16 // of the displacement
	Target uint64
}

// A Page is a page that qualifies.
type Page struct {
	Patches   []Patch  // ascending
	Branches  []Branch // out of the page, but those with short displacements
	Rewritten int      // operands in %fs
	// Astray says that a branch into the middle of an instruction has been seen since.
	Astray bool

	// LoadsMXCSR says that the host may find an instruction there, at any byte, that loads MXCSR.
	LoadsMXCSR bool

	starts bitmap // of instructions
	ends   bitmap // of calls: where they return to
}

// NewPage is a page of which it is known where instructions begin.
func NewPage(starts []uint16) *Page {
	p := new(Page)
	for _, off := range starts {
		p.starts.set(uint64(off))
	}
	return p
}

// Starts reports whether an instruction begins at offset off.
func (p *Page) Starts(off uint64) bool { return p.starts.has(off) }

// Returns reports whether a call on the page before returns to offset off.
func (p *Page) Returns(off uint64) bool { return p.ends.has(off) }

// Reasons why a page does not qualify.
var (
	ErrUnknown     = errors.New("not every instruction is known")
	ErrInstruction = errors.New("an instruction must be rewritten")
	ErrMiddle      = errors.New("a branch leads into the middle of an instruction")
	ErrHazard      = errors.New("it would be dangerous in the middle of an instruction")
	ErrR11         = errors.New("r11 is read after a call")
)
