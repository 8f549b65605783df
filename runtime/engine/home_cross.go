package engine

import (
	"errors"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/engine/home"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

var errCrosses = errors.New("it has branched to the code cache too often")

// crossed counts a branch from home to pc, which is not at home: a call that returns to
// ret, or else a jump or a return. The caller holds the locks.
func (e *Engine) crossed(pc, ret uint64) {
	h := &e.home
	e.stats.HomeCrossings++
	c := count(h.crosses, pc)
	often := c.tooOften(withdrawAfter)
	switch {
	case c.n == portalAfter:
		e.makePortals(pc)
	case often && !e.withdrawCaller(ret) && !e.withdrawAround(pc):
		h.lost += withdrawAfter
	}
	if h.lost > giveUpAfter {
		e.withdrawAll()
	}
}

// withdrawAround withdraws pages at home that a function leaves, at their end, for pc.
// It reports whether there was one.
func (e *Engine) withdrawAround(pc uint64) (found bool) {
	lo, hi, ok := e.home.pages.Functions.After(pc)
	if !ok || lo > pc {
		lo, hi = pc, pc+1
	}
	for addr := lo &^ (host.PageSize - 1); addr < hi; addr += host.PageSize {
		if e.home.at[addr] != nil {
			e.withdraw(addr, errCrosses)
			found = true
		}
	}
	return found
}

// withdrawCaller withdraws the page of a call at home that returns to ret. It reports
// whether there is one.
func (e *Engine) withdrawCaller(ret uint64) bool {
	addr := ret &^ (host.PageSize - 1)
	if p := e.home.at[addr]; p == nil || !p.Returns(ret-addr) {
		return false
	}
	e.withdraw(addr, errCrosses)
	return true
}

// makeExits gives the branches of a page that is about to come home portals, where it is
// clear that their targets will not be at home, and lets the calls among them return.
func (e *Engine) makeExits(addr uint64, p *homePage) {
	h := &e.home
	for _, b := range p.Branches {
		to := b.Target &^ (host.PageSize - 1)
		if h.at[to] != nil || !h.pages.Hopeless(to) {
			continue
		}
		portal, ok := e.portal(b.Target)
		if !ok {
			return
		}
		p.redirect(addr, b, portal)
		ret := addr + uint64(b.Off) + 4
		if samePage(ret, addr) && p.Returns(ret-addr) && !e.rw.Options.KeepR11 && !e.pages.at(ret).translated() {
			e.set(&e.landings, ret, ret)
		}
	}
}

// makePortals lets the direct branches at home that lead to pc, which is not at home,
// lead to a portal: a jump in the code cache, linked like a branch there. A branch that
// is still to be brought home gets none until it has faulted, too.
func (e *Engine) makePortals(pc uint64) {
	h := &e.home
	stopped := false
	for addr, p := range h.at {
		changed := false
		for _, b := range p.Branches {
			if b.Target != pc || p.patched(b.Off) {
				continue
			}
			portal, ok := e.portal(pc)
			if !ok {
				return
			}
			p.redirect(addr, b, portal)
			changed = true
		}
		if !changed {
			continue
		}
		if !stopped {
			e.stop() // an instruction must not be seen half new
			stopped = true
		}
		if err := e.reinstall(addr, p); err != nil {
			e.takeAway(addr) // the host would not have it, or its new bytes are a hazard
			h.pages.Refuse(addr, err)
			e.stats.HomeWithdrawn++
		}
	}
}

// reinstall gives the host the page at addr with its patches, unless they make a hazard.
// No thread is in the guest.
func (e *Engine) reinstall(addr uint64, p *homePage) error {
	var code [host.PageSize + decode.MaxLen - 1]byte
	n, err := e.mem.Fetch(addr, code[:])
	if err != nil {
		return err
	}
	for _, x := range p.patches {
		code[x.Off] = x.New
	}
	if e.home.pages.Hazards(code[:n]) {
		return home.ErrHazard
	}
	return e.mem.SetHome(addr, p.patches)
}

// patched reports whether a displacement has been redirected.
func (p *homePage) patched(off uint16) bool {
	for _, x := range p.patches {
		if x.Off == off {
			return true
		}
	}
	return false
}

// redirect makes branch b of the page at addr lead to the host address to.
func (p *homePage) redirect(addr uint64, b home.Branch, to uint64) {
	next := addr + uint64(b.Off) + 4
	old, now := uint32(b.Target-next), uint32(to-next)
	for i := range uint16(4) {
		p.patches = append(p.patches, memory.Patch{Off: b.Off + i, Old: byte(old >> (8 * i)), New: byte(now >> (8 * i))})
	}
}

// portal returns the host address of the portal to pc; false when there is no room.
func (e *Engine) portal(pc uint64) (uint64, bool) {
	h := &e.home
	if at, ok := h.portals[pc]; ok {
		return at, true
	}
	if h.portalBuf.Room() < rewrite.MaxEmit {
		return 0, false
	}
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	cold, marks := e.rw.Cold, e.rw.ColdMarks
	e.rw.Cold, e.rw.ColdMarks = h.portalBuf, h.portalMarks
	pos, exit := e.rw.Portal(pc)
	h.portalMarks = e.rw.ColdMarks
	e.rw.Cold, e.rw.ColdMarks = cold, marks
	at := host.CacheLo + uint64(pos) - 1
	h.portals[pc] = at
	h.portalLinks = append(h.portalLinks, rewrite.Ref{Pos: pos, Target: pc})
	h.portalExits = append(h.portalExits, exit)
	e.linkPortal(len(h.portalLinks) - 1)
	return at, true
}

// linkPortal makes portal number i lead to the translation of its target, now or when
// there is one.
func (e *Engine) linkPortal(i int) {
	ref := e.home.portalLinks[i]
	if t := e.pages.at(ref.Target); t.translated() {
		putRel32(e.space.Code(), ref.Pos, t.host())
		return
	}
	e.waitFor(ref)
	putRel32(e.space.Code(), ref.Pos, e.home.portalExits[i])
}

// resetPortals follows a flush.
func (e *Engine) resetPortals() {
	for i := range e.home.portalLinks {
		e.linkPortal(i)
	}
}
