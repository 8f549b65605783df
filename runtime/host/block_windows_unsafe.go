//go:build windows && amd64

package host

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A thread block is 64 KiB of memory wherever Windows has it: a page that is the
// guest's, with its first TCB; the CONTEXT in which a kick changes the thread's
// registers; and from blockAt on the Block and the XSAVE area. What the stubs count
// from, the block's base, lies BlockOffset below the Block.
const (
	contextAt   = 0x1000
	blockAt     = 0x4000
	contextSize = 1232 // CONTEXT of winnt.h
)

// blockPool hands out thread blocks. They are never freed: a fault handler that runs
// late for a thread which has ended must still find memory.
var blockPool struct {
	sync.Mutex
	made int
	free []uint64
}

// newBlock returns the address of a zeroed thread block.
func newBlock() (uint64, error) {
	p := &blockPool
	p.Lock()
	defer p.Unlock()
	if n := len(p.free) - 1; n >= 0 {
		b := p.free[n]
		p.free = p.free[:n]
		clear(unsafe.Slice((*byte)(pointer(b)), blockAt+blockPrivate))
		return b, nil
	}
	if p.made == MaxThreads {
		return 0, ErrNoThreads
	}
	if n := xsaveSize(); n > xsaveMax {
		return 0, fmt.Errorf("this CPU's extended state needs %d bytes, more than the %d a thread block has", n, xsaveMax)
	}
	b, err := windows.VirtualAlloc(0, granule, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return 0, fmt.Errorf("cannot map a thread block: %w", err)
	}
	p.made++
	return uint64(b), nil
}

func freeBlock(b uint64) {
	blockPool.Lock()
	blockPool.free = append(blockPool.free, b)
	blockPool.Unlock()
}
