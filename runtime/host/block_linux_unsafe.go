//go:build linux && amd64

package host

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// blockPlace is the address of block i: that of its %fs word. It sits BlockOffset into
// its stride: as far from the private part of the block before as from its own.
func blockPlace(i int) uint64 { return BlockBase + uint64(i)*blockStride + BlockOffset }

// mapBlock makes a block's memory.
func mapBlock(b uint64) error {
	// The page below the word has the cells of the strategies that use such.
	for _, r := range []Range{{b - PageSize, b + PageSize}, {b + BlockOffset, b + BlockOffset + blockPrivate + clockStack}} {
		if _, err := mmap(r.Lo, r.Hi-r.Lo, unix.PROT_READ|unix.PROT_WRITE, reserveFlags|unix.MAP_FIXED, -1, 0); err != nil {
			return err
		}
	}
	return nil
}

// clearBlock makes a block as it was when it was mapped, but for the stack, which no one reads.
func clearBlock(b uint64) {
	clear(unsafe.Slice((*byte)(pointer(b-PageSize)), 2*PageSize))
	clear(unsafe.Slice((*byte)(pointer(b+BlockOffset)), blockPrivate))
}

// FSPage is the page of a thread block that its %fs word begins. It is the
// guest's to write.
func (t *Thread) FSPage() []byte { return unsafe.Slice((*byte)(pointer(t.FSWord)), PageSize) }
