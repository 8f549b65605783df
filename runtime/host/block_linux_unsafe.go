//go:build linux && amd64

package host

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// blockPool hands out thread blocks. They are never unmapped: a signal that is
// late for a thread which has ended must still find memory at %gs.
var blockPool blocks

type blocks struct {
	sync.Mutex
	next int // blocks from this number on are not mapped yet
	free []uint64
}

// newBlock returns the guest's %fs word address of a zeroed thread block: any one
// for 0, or the one whose word is at want.
func newBlock(want uint64) (uint64, error) {
	p := &blockPool
	p.Lock()
	defer p.Unlock()
	i := len(p.free) - 1
	if want != 0 {
		for p.next < MaxThreads && blockWord(p.next) <= want {
			if err := p.mapNext(); err != nil {
				return 0, err
			}
		}
		if i = slices.Index(p.free, want); i < 0 {
			return 0, fmt.Errorf("no thread block is free at %#x", want)
		}
	} else if i < 0 {
		if err := p.mapNext(); err != nil {
			return 0, err
		}
		i = 0
	}
	b := p.free[i]
	p.free = slices.Delete(p.free, i, i+1)
	clear(unsafe.Slice((*byte)(pointer(b-PageSize)), 2*PageSize))
	clear(unsafe.Slice((*byte)(pointer(b+BlockOffset)), blockPrivate))
	return b, nil
}

// blockWord is the address of the %fs word of block i. It sits BlockOffset into
// its stride: as far from the private part of the block before as from its own.
func blockWord(i int) uint64 { return BlockBase + uint64(i)*blockStride + BlockOffset }

// mapNext makes one more block, which is then free.
func (p *blocks) mapNext() error {
	if p.next == MaxThreads {
		return ErrNoThreads
	}
	if n := xsaveSize(); n > xsaveMax {
		return fmt.Errorf("this CPU's extended state needs %d bytes, more than the %d a thread block has", n, xsaveMax)
	}
	b := blockWord(p.next)
	// The page below the word has the cells of the strategies that use such.
	for _, r := range []Range{{b - PageSize, b + PageSize}, {b + BlockOffset, b + BlockOffset + blockPrivate + clockStack}} {
		if _, err := mmap(r.Lo, r.Hi-r.Lo, unix.PROT_READ|unix.PROT_WRITE, reserveFlags|unix.MAP_FIXED, -1, 0); err != nil {
			return fmt.Errorf("cannot map a thread block: %w", err)
		}
	}
	p.next++
	p.free = append(p.free, b)
	return nil
}

func freeBlock(b uint64) {
	blockPool.Lock()
	blockPool.free = append(blockPool.free, b)
	blockPool.Unlock()
}

// FSPage is the page of a thread block that its %fs word begins. It is the
// guest's to write.
func (t *Thread) FSPage() []byte { return unsafe.Slice((*byte)(pointer(t.FSWord)), PageSize) }
