package rewrite

import (
	"errors"

	"cabitrans/codegen"
)

// Pthread is for macOS, where %gs is the array of a thread's pthread-specific values:
// that of a key is at 8 times the key. Go's own run-time system keeps its g there.
type Pthread struct {
	// Keys are the keys of the cells, in the order of the constants slot*.
	Keys [SlotCount]uint16
}

// firstKeys is what Pthread has without a host that gives keys: the first that
// pthread_key_create may give out there, since 256 are the system's.
var firstKeys = Pthread{Keys: [SlotCount]uint16{256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 268}}

func (Pthread) Name() string { return "pthread" }

// Check refuses all hosts but macOS.
func (Pthread) Check(h Host) error {
	if !h.is("darwin") {
		return errors.New("needs macOS, where %gs names the thread's specific values")
	}
	return nil
}

func (p Pthread) slots() (s slots) {
	for i, k := range p.Keys {
		s[i] = 8 * int32(k)
	}
	return s
}

func (p Pthread) FS() FS                            { s := p.slots(); return s.fs() }
func (p Pthread) Cells(codegen.Cells) codegen.Cells { s := p.slots(); return s.cells() }
func (Pthread) Switch() codegen.Switch              { return codegen.SwitchNone }
func (p Pthread) On(Host) TLS                       { return p }
func (p Pthread) GSBase() int32                     { return -p.slots()[slotWord] }
