//go:build windows && amd64

package host

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// A thread block is 64 KiB of memory: a page that is the
// guest's, with its first TCB; the CONTEXT in which a kick changes the thread's
// registers; and from blockAt on the Block and the XSAVE area. What the stubs count
// from, the block's base, lies BlockOffset below the Block.
const (
	contextAt   = 0x1000
	blockAt     = 0x4000
	contextSize = 1232 // CONTEXT of winnt.h

	// BlockBase is where thread blocks lie.
	BlockBase = missEnd
)

// blockPlace is the address of block i.
func blockPlace(i int) uint64 { return BlockBase + uint64(i)*granule }

// mapBlock makes a block's memory.
func mapBlock(b uint64) error {
	_, err := windows.VirtualAlloc(uintptr(b), granule, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	return err
}

// clearBlock makes a block as it was when it was mapped.
func clearBlock(b uint64) { clear(unsafe.Slice((*byte)(pointer(b)), blockAt+blockPrivate)) }
