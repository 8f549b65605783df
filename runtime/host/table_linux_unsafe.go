//go:build linux && amd64

package host

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fill makes n chunks of the table, from the one that pc's slot lies in, readable, every slot
// holding its miss address. They are filled elsewhere and moved into place in
// one step, so no translated code ever sees a slot that is zero.
func (t Table) Fill(pc, n uint64) error {
	first := pc &^ (TableChunk/8 - 1)
	err := appear(t.Slot(first), n*TableChunk, unix.PROT_READ|unix.PROT_WRITE, func(b []byte) {
		slots := unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), n*TableChunk/8)
		for i := range slots {
			slots[i] = t.Miss + first + uint64(i)
		}
	})
	if err != nil {
		return fmt.Errorf("cannot make a part of the look-up table: %w", err)
	}
	return nil
}

// Drop makes n chunks, from the one that pc's slot lies in, inaccessible again: every branch
// through them misses.
func (t Table) Drop(pc, n uint64) error {
	_, err := mmap(t.Slot(pc&^(TableChunk/8-1)), n*TableChunk, unix.PROT_NONE, reserveFlags|unix.MAP_FIXED, -1, 0)
	return err
}

// Set points the slot of pc, in a filled chunk, at host. The store is atomic; other
// threads see the old address or the new one.
func (t Table) Set(pc, host uint64) {
	atomic.StoreUint64((*uint64)(pointer(t.Slot(pc))), host)
}

// Get is what the slot of pc, in a filled chunk, points at.
func (t Table) Get(pc uint64) uint64 { return atomic.LoadUint64((*uint64)(pointer(t.Slot(pc)))) }

// FillPage is for packed tables only.
func FillPage(pc, jump uint64) error { return errors.New("the look-up table is not packed") }
