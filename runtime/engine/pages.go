package engine

import (
	"sync/atomic"

	"cabitrans/runtime/host"
)

// pageMap says for every guest address of the arena where its translation is.
// Reads are lock-free; writes happen under Engine.mu.
type pageMap struct {
	pages [host.ArenaHi / host.PageSize]atomic.Pointer[page]
}

// A page holds one entry per guest byte.
type page [host.PageSize]entry

// An entry is 0 (nothing known), the head of a list of branches that wait for
// the address (entryPending), or the offset of its translation in the code
// cache.
type entry uint32

const (
	entryPending entry = 1 << 31 // the other bits are the link's number
	entryCalled  entry = 1 << 30 // a call entry stands right before the body
	entryOffset  entry = 1<<28 - 1
)

// translated reports whether e is the offset of a translation.
func (e entry) translated() bool { return e != 0 && e&entryPending == 0 }

// host is the host address of the translated body.
func (e entry) host() uint64 { return host.CacheLo + uint64(e&entryOffset) }

func inArena(pc uint64) bool { return pc < host.ArenaHi }

// at returns what is known of pc.
func (m *pageMap) at(pc uint64) entry {
	if !inArena(pc) {
		return 0
	}
	p := m.pages[pc/host.PageSize].Load()
	if p == nil {
		return 0
	}
	return entry(atomic.LoadUint32((*uint32)(&p[pc%host.PageSize])))
}

// set makes e what is known of pc, an address of the arena.
func (m *pageMap) set(pc uint64, e entry) {
	slot := &m.pages[pc/host.PageSize]
	p := slot.Load()
	if p == nil {
		p = new(page)
		slot.Store(p)
	}
	atomic.StoreUint32((*uint32)(&p[pc%host.PageSize]), uint32(e))
}

// reset forgets everything.
func (m *pageMap) reset() {
	for i := range m.pages {
		if m.pages[i].Load() != nil {
			m.pages[i].Store(nil)
		}
	}
}
