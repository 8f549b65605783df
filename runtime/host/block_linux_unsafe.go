//go:build linux && amd64

package host

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// ErrNoThreads is returned when MaxThreads guest threads exist.
var ErrNoThreads = errors.New("no more guest threads")

// blockPool hands out thread blocks. They are never unmapped: a signal that is
// late for a thread which has ended must still find memory at %gs.
var blockPool struct {
	sync.Mutex
	base uint64
	next int
	free []uint64
}

// newBlock returns the guest's %fs word address of a zeroed thread block.
func newBlock() (uint64, error) {
	p := &blockPool
	p.Lock()
	defer p.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		clear(unsafe.Slice((*byte)(pointer(b)), PageSize))
		clear(unsafe.Slice((*byte)(pointer(b+BlockOffset)), blockPrivate))
		return b, nil
	}
	if p.base == 0 {
		base, err := mmap(0, (MaxThreads+1)*blockStride, unix.PROT_NONE, reserveFlags, -1, 0)
		if err != nil {
			return 0, fmt.Errorf("cannot reserve thread blocks: %w", err)
		}
		p.base = base
	}
	if p.next == MaxThreads {
		return 0, ErrNoThreads
	}
	if n := xsaveSize(); n > xsaveMax {
		return 0, fmt.Errorf("this CPU's extended state needs %d bytes, more than the %d a thread block has", n, xsaveMax)
	}
	// The guest word sits BlockOffset into its stride: as far from the private
	// part of the block before as from its own.
	b := p.base + uint64(p.next)*blockStride + BlockOffset
	for _, r := range []Range{{b, b + PageSize}, {b + BlockOffset, b + BlockOffset + blockPrivate}} {
		if _, err := mmap(r.Lo, r.Hi-r.Lo, unix.PROT_READ|unix.PROT_WRITE, reserveFlags|unix.MAP_FIXED, -1, 0); err != nil {
			return 0, fmt.Errorf("cannot map a thread block: %w", err)
		}
	}
	p.next++
	return b, nil
}

func freeBlock(b uint64) {
	blockPool.Lock()
	blockPool.free = append(blockPool.free, b)
	blockPool.Unlock()
}

func pointer(addr uint64) unsafe.Pointer {
	p := uintptr(addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// xsaveSize is the size in bytes of the XSAVE area for the state components the
// operating system has enabled, or that of FXSAVE where there is no XSAVE.
func xsaveSize() int {
	if !cpu.X86.HasOSXSAVE {
		return 512
	}
	return int(cpuidXSave())
}

// cpuidXSave is CPUID leaf 0xD, subleaf 0, EBX. Implemented in assembly.
func cpuidXSave() uint32
