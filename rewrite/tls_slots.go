package rewrite

import "cabitrans/codegen"

// Where the host keeps %gs for itself it offers words of a thread's own at fixed
// distances from it: a program asks for a number of them by name. The thread's cells
// are such words, and so is the guest's %fs word: "%fs:0" becomes "%gs:word", of the
// same length.

// The cells, in the order in which a slots names their places.
const (
	slotBlock = iota
	slotScratch
	slotSpill
	_
	_
	_
	_
	slotFSBase
	slotRIP
	slotExitArg
	slotExit
	slotEntry
	slotWord // the guest's %fs word

	// SlotCount is how many words a thread needs.
	SlotCount
)

// slots are the distances of the cells from the %gs base.
type slots [SlotCount]int32

func (s *slots) cells() codegen.Cells {
	return codegen.Cells{
		Block: s[slotBlock], Scratch: s[slotScratch],
		Spill:  [5]int32(s[slotSpill:]),
		FSBase: s[slotFSBase], RIP: s[slotRIP], ExitArg: s[slotExitArg], Exit: s[slotExit], Entry: s[slotEntry],
	}
}

// fs adds the word's distance to absolute addresses. What lies behind the word is
// not the guest's: by the ABI it has 8 bytes there.
func (s *slots) fs() FS { return FS{Prefix: prefixGS, Disp: s[slotWord]} }

// consecutive are slots of n bytes each, from the given distance on.
func consecutive(from int32) (s slots) {
	for i := range s {
		s[i] = from + 8*int32(i)
	}
	return s
}
