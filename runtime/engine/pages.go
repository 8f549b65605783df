package engine

import (
	"sync/atomic"

	"cabitrans/runtime/host"
)

// pageMap says for every guest address of the arena where its translation is.
// Reads are lock-free; writes happen under Engine.mu. It has two levels, so that
// Go's collector has little to look through.
type pageMap struct {
	groups [(host.ArenaHi/host.PageSize + groupPages - 1) / groupPages]atomic.Pointer[group]
	spare  []page // of the last slab, under Engine.mu
	slabs  int    // since the last reset
}

// Pages come in slabs, the first ones small: 64 KiB, and then four times as much. The host makes a slab present at once.
const (
	smallSlab  = 4
	largeSlab  = 16
	smallSlabs = 4
)

const groupPages = 512

// A group is a stretch of pages.
type group [groupPages]atomic.Pointer[page]

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
	g := m.groups[pc/host.PageSize/groupPages].Load()
	if g == nil {
		return 0
	}
	p := g[pc/host.PageSize%groupPages].Load()
	if p == nil {
		return 0
	}
	return entry(atomic.LoadUint32((*uint32)(&p[pc%host.PageSize])))
}

// any reports whether anything is known of the page that pc lies in.
func (m *pageMap) any(pc uint64) bool {
	if !inArena(pc) {
		return false
	}
	g := m.groups[pc/host.PageSize/groupPages].Load()
	return g != nil && g[pc/host.PageSize%groupPages].Load() != nil
}

// set makes e what is known of pc, an address of the arena, and returns what was.
func (m *pageMap) set(pc uint64, e entry) (old entry) {
	g := loadOrNew(&m.groups[pc/host.PageSize/groupPages])
	slot := &g[pc/host.PageSize%groupPages]
	p := slot.Load()
	if p == nil {
		p = m.fresh()
		slot.Store(p)
	}
	return entry(atomic.SwapUint32((*uint32)(&p[pc%host.PageSize]), uint32(e)))
}

// fresh is one more page.
func (m *pageMap) fresh() *page {
	if len(m.spare) == 0 {
		n := smallSlab
		if m.slabs >= smallSlabs {
			n = largeSlab
		}
		m.spare = make([]page, n)
		m.slabs++
		host.Populate(bytesOf(m.spare))
	}
	p := &m.spare[0]
	m.spare = m.spare[1:]
	return p
}

// reset forgets everything.
func (m *pageMap) reset() {
	m.spare, m.slabs = nil, 0
	for i := range m.groups {
		m.groups[i].Store(nil)
	}
}

// loadOrNew returns what the slot points to, something new and zero if need be.
func loadOrNew[T any](slot *atomic.Pointer[T]) *T {
	p := slot.Load()
	if p == nil {
		p = new(T)
		slot.Store(p)
	}
	return p
}
