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
	if h.visited > 0 && e.landings.has(pc) {
		h.visited-- // what the cache has called returns; visits are counted
		return
	}
	if e.calledFrom(ret) {
		return
	}
	c := count(h.crosses, pc&^(host.PageSize-1))
	often := c.tooOften(withdrawAfter, h.crossingTime)
	if c.n&(c.n-1) == 0 && c.n >= portalAfter {
		e.makePortals(pc &^ (host.PageSize - 1))
	}
	if often && !e.withdrawAround(pc) {
		h.lost += withdrawAfter
	}
	if h.lost > giveUpAfter {
		e.withdrawAll()
	}
}

// calledFrom counts the crossing of a call at home that returns to ret, and sees to the
// page that it is on. It reports whether there is one.
func (e *Engine) calledFrom(ret uint64) bool {
	h := &e.home
	addr := ret &^ (host.PageSize - 1)
	p := h.at[addr]
	if p == nil || !p.Returns(ret-addr) {
		return false
	}
	c := count(h.calls, addr)
	often := c.tooOften(withdrawAfter, h.crossingTime)
	switch {
	case often:
		e.withdraw(addr, errCrosses)
	case c.n&(c.n-1) == 0 && c.n >= portalAfter:
		// Twice as often each time: what it calls indirectly gets none.
		e.morePortals(addr, p)
	}
	return true
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

// makeExits gives the branches of a page at home, or one that is about to come home,
// portals, where it is clear that their targets will not be at home, and lets the calls
// among them return. It reports whether there are new ones.
func (e *Engine) makeExits(addr uint64, p *homePage) (made bool) {
	h := &e.home
	if len(p.redirected) < len(p.Branches) {
		p.redirected = make([]bool, len(p.Branches))
	}
	for i, b := range p.Branches {
		to := b.Target &^ (host.PageSize - 1)
		if p.redirected[i] || h.at[to] != nil || !h.pages.Hopeless(to) {
			continue
		}
		portal, ok := e.portal(b.Target)
		if !ok {
			return made
		}
		made, p.redirected[i] = true, true
		p.redirect(addr, b, portal)
		ret := addr + uint64(b.Off) + 4
		if samePage(ret, addr) && p.Returns(ret-addr) && !e.rw.Options.KeepR11 && !e.pages.at(ret).translated() {
			e.set(&e.landings, ret, ret)
		}
	}
	return made
}

// makePortals lets the direct branches at home that lead to the page at to, which is not
// at home, lead to portals: each a jump in the code cache, linked like a branch there.
func (e *Engine) makePortals(to uint64) {
	h := &e.home
	from := h.into[to]
	delete(h.into, to)
	for _, addr := range from {
		if p := h.at[addr]; p != nil {
			e.morePortals(addr, p)
		}
	}
}

// morePortals gives the branches of a page at home portals where that has become clear
// since it came home.
func (e *Engine) morePortals(addr uint64, p *homePage) {
	if !e.makeExits(addr, p) {
		return
	}
	e.stop() // an instruction must not be seen half new
	if err := e.reinstall(addr, p); err != nil {
		e.takeAway(addr) // the host would not have it, or its new bytes are a hazard
		e.home.pages.Refuse(addr, err)
		e.stats.HomeWithdrawn++
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
	if decode.MayLoadMXCSR(code[:n]) {
		e.controlMXCSR()
	}
	return e.mem.SetHome(addr, p.patches)
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
	if !e.room(h.portalBuf, rewrite.MaxEmit) {
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
