package engine

import "cabitrans/runtime/host"

// Code calls visit for all that is in the code cache, in the order of host addresses: the
// host instructions from lo up to hi are of the guest instruction at guest, which is 0 for
// stubs. visit must not call the engine.
func (e *Engine) Code(visit func(lo, hi, guest uint64)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.marksMu.RLock()
	defer e.marksMu.RUnlock()
	lists := e.markLists()
	ends := [...]uint64{e.vdsoRet[1], e.vdsoRet[2], e.jumpMiss, e.hotBase, e.rw.Hot.PC(), e.rw.Cold.PC(), e.home.portalBuf.PC()}
	visit(host.CacheLo, e.vdsoRet[0], 0)
	for n, l := range lists {
		for i, m := range l {
			hi := ends[n]
			if i+1 < len(l) {
				hi = host.CacheLo + uint64(l[i+1].Host)
			}
			if lo := host.CacheLo + uint64(m.Host); lo < hi {
				visit(lo, hi, uint64(m.Guest))
			}
		}
	}
}
