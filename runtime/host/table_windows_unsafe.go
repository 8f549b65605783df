//go:build windows && amd64

package host

import (
	"errors"
	"sync/atomic"
)

// Set points the slot of pc, in a filled page, at host. The store is atomic; other
// threads see the old address or the new one.
func (t Table) Set(pc, host uint64) {
	atomic.StoreUint64((*uint64)(pointer(t.Slot(pc))), host)
}

// Get is what the slot of pc, in a filled page, points at.
func (t Table) Get(pc uint64) uint64 { return atomic.LoadUint64((*uint64)(pointer(t.Slot(pc)))) }

var errPacked = errors.New("the look-up table is packed")

// Fill is for tables that are not packed.
func (t Table) Fill(pc, n uint64) error { return errPacked }

// Drop is for tables that are not packed.
func (t Table) Drop(pc, n uint64) error { return errPacked }
