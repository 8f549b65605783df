package engine

import "cabitrans/runtime/host"

// Code may write to the very page it lies in, through another mapping of it. The
// host refuses the write while the page is translated, so the translations are
// dropped; translating it again to make the write would lock the page again, and
// nothing would ever be done. The instruction that writes is therefore translated
// by itself, from a page that nobody watches meanwhile, executed once by the thread
// that needs it, and never found again: what follows it is an exit.

// single returns the host address of the instruction at pc, translated alone.
func (e *Engine) single(pc uint64) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.findAlone(pc) {
		return e.translate(pc, false)
	}
	if !e.rw.Options.KeepR11 && e.continuationsRead() {
		o := e.rw.Options
		o.KeepR11 = true
		e.setOptions(o)
	}
	e.emit(pc, false)
	return host.CacheLo + uint64(e.region.host[0]), nil
}

// findAlone makes the instruction at pc the region that is emitted next, with an exit
// behind it; false when there is none. The caller holds e.mu and the read lock of the
// address space.
func (e *Engine) findAlone(pc uint64) bool {
	if e.full() {
		e.flush()
	}
	g := &e.region
	g.begin(pc)
	g.alone = true
	e.findRun(pc)
	if len(g.insts) == 0 {
		return false
	}
	g.index[pc-g.lo] = 0 // not to be found, not even by itself
	return true
}
