//go:build windows && amd64

package host

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A thread block is 64 KiB of memory: a page that is the
// guest's, with its first TCB; the CONTEXT in which a kick changes the thread's
// registers; and from blockAt on the Block and the XSAVE area. What the stubs count
// from, the block's base, lies BlockOffset below the Block. Blocks have fixed places, from
// blocksBase on, so that a forked guest finds its TCB where it was.
const (
	contextAt   = 0x1000
	blockAt     = 0x4000
	contextSize = 1232 // CONTEXT of winnt.h

	blocksBase = missEnd
)

// blockPool hands out thread blocks. They are never freed: a fault handler that runs
// late for a thread which has ended must still find memory.
var blockPool blocks

type blocks struct {
	sync.Mutex
	made int
	free []uint64
}

// newBlock returns the address of a zeroed thread block: any one for 0, or the one at want.
func newBlock(want uint64) (uint64, error) {
	p := &blockPool
	p.Lock()
	defer p.Unlock()
	i := len(p.free) - 1
	if want != 0 {
		for p.made < MaxThreads && blocksBase+uint64(p.made)*granule <= want {
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
	clear(unsafe.Slice((*byte)(pointer(b)), blockAt+blockPrivate))
	return b, nil
}

// mapNext makes one more block, which is then free.
func (p *blocks) mapNext() error {
	if p.made == MaxThreads {
		return ErrNoThreads
	}
	if n := xsaveSize(); n > xsaveMax {
		return fmt.Errorf("this CPU's extended state needs %d bytes, more than the %d a thread block has", n, xsaveMax)
	}
	at := uintptr(blocksBase + p.made*granule)
	b, err := windows.VirtualAlloc(at, granule, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return fmt.Errorf("cannot map a thread block: %w", err)
	}
	p.made++
	p.free = append(p.free, uint64(b))
	return nil
}

func freeBlock(b uint64) {
	blockPool.Lock()
	blockPool.free = append(blockPool.free, b)
	blockPool.Unlock()
}
