package engine

import (
	"maps"
	"slices"

	"cabitrans/runtime/host"
)

// Code calls visit for all that is at home, and in the code cache, in the order of host addresses: the
// host instructions from lo up to hi are of the guest instruction at guest, which is 0 for
// stubs. visit must not call the engine.
func (e *Engine) Code(visit func(lo, hi, guest uint64)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.marksMu.RLock()
	defer e.marksMu.RUnlock()
	e.homeCode(visit)
	visit(host.CacheLo+host.PageSize, e.vdsoRet[0], 0)
	for _, l := range e.markLists() {
		for i, m := range l.marks {
			hi := l.end
			if i+1 < len(l.marks) {
				hi = host.CacheLo + uint64(l.marks[i+1].Host)
			}
			if lo := host.CacheLo + uint64(m.Host); lo < hi {
				visit(lo, hi, uint64(m.Guest))
			}
		}
	}
}

// homeCode is Code for the pages at home.
func (e *Engine) homeCode(visit func(lo, hi, guest uint64)) {
	for _, addr := range slices.Sorted(maps.Keys(e.home.at)) {
		p, lo := e.home.at[addr], addr
		for pc := addr + 1; pc <= addr+host.PageSize; pc++ {
			if pc == addr+host.PageSize || p.Starts(pc-addr) {
				visit(lo, pc, lo)
				lo = pc
			}
		}
	}
}
