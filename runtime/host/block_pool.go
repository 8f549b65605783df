//go:build amd64 && (linux || windows)

package host

import (
	"fmt"
	"slices"
	"sync"
)

// blockPool hands out thread blocks. They are never unmapped: a signal or fault that is late
// for a thread which has ended must still find memory. Blocks have fixed places (blockPlace),
// so that a forked guest finds its TCB where it was.
var blockPool blocks

type blocks struct {
	sync.Mutex
	next int // blocks from this number on are not mapped yet
	free []uint64
}

// newBlock returns the address of a zeroed thread block: any one for 0, or the one at want.
func newBlock(want uint64) (uint64, error) {
	p := &blockPool
	p.Lock()
	defer p.Unlock()
	i := len(p.free) - 1
	if want != 0 {
		for p.next < MaxThreads && blockPlace(p.next) <= want {
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
	clearBlock(b)
	return b, nil
}

// mapNext makes one more block, which is then free.
func (p *blocks) mapNext() error {
	if p.next == MaxThreads {
		return ErrNoThreads
	}
	if n := xsaveSize(); n > xsaveMax {
		return fmt.Errorf("this CPU's extended state needs %d bytes, more than the %d a thread block has", n, xsaveMax)
	}
	b := blockPlace(p.next)
	if err := mapBlock(b); err != nil {
		return fmt.Errorf("cannot map a thread block: %w", err)
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
