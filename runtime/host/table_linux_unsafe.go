//go:build linux && amd64

package host

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FillTable makes the chunk of the look-up table that begins at slot address
// chunk readable, every slot holding its miss address. The chunk is filled
// elsewhere and moved into place in one step, so no translated code ever sees a
// slot that is zero. chunk must be a multiple of TableChunk inside the table.
func (s *Space) FillTable(chunk uint64) error {
	tmp, err := mmap(0, TableChunk, unix.PROT_READ|unix.PROT_WRITE, reserveFlags, -1, 0)
	if err != nil {
		return fmt.Errorf("cannot allocate a chunk of the look-up table: %w", err)
	}
	slots := unsafe.Slice((*uint64)(pointer(tmp)), TableChunk/8)
	miss := MissBase + (chunk-TableDisp)/8
	for i := range slots {
		slots[i] = miss + uint64(i)
	}
	const mremapMayMove, mremapFixed = 1, 2
	_, _, e := unix.Syscall6(unix.SYS_MREMAP, uintptr(tmp), TableChunk, TableChunk, mremapMayMove|mremapFixed, uintptr(chunk), 0)
	if e != 0 {
		_, _, _ = unix.Syscall(unix.SYS_MUNMAP, uintptr(tmp), TableChunk, 0)
		return fmt.Errorf("cannot publish a chunk of the look-up table: %w", e)
	}
	return nil
}

// DropTable makes a chunk inaccessible again: every branch through it misses.
func (s *Space) DropTable(chunk uint64) error { return s.Unmap(chunk, TableChunk) }

// SetTable points the slot of pc, in a filled chunk, at host. The store is
// atomic; other threads see the old landing or the new one.
func (s *Space) SetTable(pc, host uint64) {
	atomic.StoreUint64((*uint64)(pointer(TableDisp+8*pc)), host)
}

// Table returns what the slot of pc, in a filled chunk, holds.
func (s *Space) Table(pc uint64) uint64 {
	return atomic.LoadUint64((*uint64)(pointer(TableDisp + 8*pc)))
}

// XSave returns the thread's saved extended state. It may be used only while the
// thread is outside the guest, by the thread itself.
func (t *Thread) XSave() []byte {
	return unsafe.Slice((*byte)(pointer(t.FSWord+XSaveOffset)), xsaveMax)
}
