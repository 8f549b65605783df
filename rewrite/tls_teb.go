package rewrite

import (
	"errors"
	"fmt"

	"cabitrans/codegen"
)

// TEB is for Windows, where %gs is the thread environment block. Its array of TLS
// slots, 64 words, is at 0x1480 in every version (TlsSlots in winternl.h); TlsAlloc
// gives out their numbers.
type TEB struct {
	// Slots are the numbers of the cells, in the order of the constants slot*.
	Slots [SlotCount]uint8
}

const tebSlots = 0x1480

// lastSlots is what TEB has without a host that gives slots: the end of the array.
var lastSlots = TEB{Slots: [SlotCount]uint8{51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63}}

func (TEB) Name() string { return "teb" }

// Check refuses all hosts but Windows.
func (TEB) Check(h Host) error {
	if !h.is("windows") {
		return errors.New("needs Windows, where %gs names the thread environment block")
	}
	if h.Slots != nil && len(h.Slots) < SlotCount {
		return fmt.Errorf("needs %d of the 64 TLS slots, and others have taken them", SlotCount)
	}
	return nil
}

func (t TEB) slots() (s slots) {
	for i, n := range t.Slots {
		s[i] = tebSlots + 8*int32(n)
	}
	return s
}

func (t TEB) FS() FS                            { s := t.slots(); return s.fs() }
func (t TEB) Cells(codegen.Cells) codegen.Cells { s := t.slots(); return s.cells() }

// On has the cells in the slots of the process.
func (t TEB) On(h Host) TLS {
	if len(h.Slots) >= SlotCount {
		t.Slots = [SlotCount]uint8(h.Slots)
	}
	return t
}

func (TEB) Switch() codegen.Switch { return codegen.SwitchNone }
func (t TEB) GSBase() int32        { return -t.slots()[slotWord] }
