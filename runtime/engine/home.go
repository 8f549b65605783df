package engine

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/engine/home"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// The limits of crossings between the tiers. Each costs some microseconds: an exit, most
// a fault. What crosses less often than once in crossingTime may go on. Crossings are
// counted by page, so that what they cost a program is bounded by the size of its text,
// however many functions it has and however rarely it calls each.
const (
	// stayAfter is how often code in the cache branches to a page at home before what it
	// reaches there is translated, too, and reached without an exit.
	stayAfter = 4
	// portalAfter is how often code at home faults on a page that is not before the
	// direct branches to it get portals.
	portalAfter = 2
	// withdrawAfter is how often a page at home may call what is not before it is
	// withdrawn; or be jumped to, if nobody knows from where.
	withdrawAfter = 64
	// giveUpAfter is how many crossings that nothing could be done about end the tier.
	giveUpAfter = 1 << 14

	crossingTime = 300 * time.Microsecond
)

// crossings counts those of a page.
type crossings struct {
	n     uint32
	since time.Time // of the first that is counted
}

// tooOften counts one more, and reports whether the last limit of them came too fast: in
// less than each, all in all, for every one.
func (c *crossings) tooOften(limit uint32, each time.Duration) bool {
	now := time.Now()
	if c.n%limit == 0 {
		c.since = now
	}
	c.n++
	return c.n%limit == 0 && now.Sub(c.since) < time.Duration(limit)*each
}

// portalSize is the part of the code cache for portals, in bytes.
const portalSize = 4 << 20

// homeTier is the home tier of an engine. All of it but on belongs to Engine.mu.
type homeTier struct {
	on      atomic.Bool
	stop    chan struct{} // ends watchStrays; nil without the tier
	pages   home.Pages
	at      map[uint64]*homePage  // the pages at home
	into    map[uint64][]uint64   // pages at home, by a page that they branch to
	visits  map[uint64]*crossings // of the cache to a page at home
	visited int                   // such whose return is still to come
	stays   map[uint64]bool       // pages at home that the cache translates, too
	crosses map[uint64]*crossings // of home to a page that is not
	calls   map[uint64]*crossings // by a page at home to what is not
	lost    int                   // such that nothing could be done about

	crossingTime time.Duration // the constant; tests have another, so as not to depend on the host's speed

	portals     map[uint64]uint64 // host addresses, by target
	portalLinks []rewrite.Ref     // their jumps
	portalExits []uint64          // what they reach without a translation
	portalBuf   *codegen.Buffer
	portalMarks []rewrite.Mark
}

// A homePage is a page that the host executes where it lies.
type homePage struct {
	*home.Page
	patches    []memory.Patch
	redirected []bool // by branch of the page: to a portal
}

// CanHome reports whether the home tier can be had with a TLS strategy on this host. A
// host that may destroy what is below the guest's rsp at a fault has none: code at home
// reaches what is not by faults.
func CanHome(tls rewrite.TLS) bool { return !packed && tls.FS().CanHome() }

// Home makes the engine execute text at its own address where that can be done. fns are
// the functions of the guest's program. It comes before the first thread. False
// without CanHome.
func (e *Engine) Home(fns home.Functions) bool {
	if !CanHome(e.tls) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h := &e.home
	h.pages = home.Pages{Functions: fns, FS: e.rw.FS, KeepR11: e.rw.Options.KeepR11, Fetch: func(pc uint64, buf []byte) int {
		lo := pc &^ (host.PageSize - 1)
		e.mem.MarkTranslated(lo, lo+host.PageSize)
		n, _ := e.mem.Fetch(pc, buf)
		return n
	}}
	h.at = make(map[uint64]*homePage)
	h.into = make(map[uint64][]uint64)
	h.visits = make(map[uint64]*crossings)
	h.stays = make(map[uint64]bool)
	h.crosses = make(map[uint64]*crossings)
	h.calls = make(map[uint64]*crossings)
	h.crossingTime = crossingTime
	h.portals = make(map[uint64]uint64)
	h.on.Store(true)
	h.stop = make(chan struct{})
	go e.watchStrays(h.stop)
	return true
}

// An origin is where a thread comes from that is to go on somewhere.
type origin struct {
	home bool   // from home, or from outside; not from the code cache
	ret  uint64 // what the word at the top of its stack is, if a fetch at home has faulted
}

// goHome reports whether a thread that is to continue at pc does so at home. Code in the
// cache stays there where it can.
func (e *Engine) goHome(pc uint64, from origin) bool {
	if !e.home.on.Load() || !inArena(pc) {
		return false
	}
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.home.on.Load() && e.comesHome(pc, from)
}

// comesHome is goHome with the locks held.
func (e *Engine) comesHome(pc uint64, from origin) bool {
	h := &e.home
	addr := pc &^ (host.PageSize - 1)
	if !from.home {
		if _, vdso := e.vdso.call(pc); vdso || e.pages.at(pc).translated() || h.stays[addr] {
			return false
		}
	}
	if !e.isHome(pc) {
		var code [1]byte
		if n, _ := e.mem.Fetch(pc, code[:]); n > 0 && from.home { // else the guest ends there
			e.crossed(pc, from.ret)
		}
		return false
	}
	if from.home {
		return true
	}
	if count(h.visits, addr).tooOften(stayAfter, h.crossingTime) {
		h.stays[addr] = true
		return false
	}
	h.visited++
	return true
}

// count is the counter of the page at addr.
func count(m map[uint64]*crossings, addr uint64) *crossings {
	c := m[addr]
	if c == nil {
		c = new(crossings)
		m[addr] = c
	}
	return c
}

// isHome reports whether an instruction at pc is executed at home, and makes its page
// such if it can be.
func (e *Engine) isHome(pc uint64) bool {
	h := &e.home
	addr := pc &^ (host.PageSize - 1)
	p := h.at[addr]
	if p == nil {
		if p = e.install(addr); p == nil {
			return false
		}
	}
	if !p.Starts(pc - addr) {
		e.withdraw(addr, home.ErrMiddle)
		return false
	}
	if p.Astray {
		e.withdraw(addr, home.ErrMiddle)
		return false
	}
	return true
}

// install brings the page at addr home; nil if it does not qualify.
func (e *Engine) install(addr uint64) *homePage {
	h := &e.home
	if !e.mem.CanHome(addr) {
		return nil
	}
	if addr == e.vdso.Text&^(host.PageSize-1) {
		return e.installVDSO(addr)
	}
	if h.pages.Refused(addr) {
		return nil
	}
	q, err := h.pages.At(addr)
	if err != nil {
		e.stats.HomeRefused++
		return nil
	}
	p := &homePage{Page: q}
	for _, x := range q.Patches {
		p.patches = append(p.patches, memory.Patch(x))
	}
	if q.LoadsMXCSR {
		e.controlMXCSR()
	}
	if e.makeExits(addr, p) {
		err = e.reinstall(addr, p)
	} else {
		err = e.mem.SetHome(addr, p.patches) // of these the hazards are known
	}
	if err != nil {
		h.pages.Refuse(addr, err)
		e.stats.HomeRefused++
		return nil
	}
	e.stats.FSRewritten += uint64(q.Rewritten)
	e.stats.HomePages++
	h.at[addr] = p
	h.noteBranches(addr, p)
	return p
}

// noteBranches notes where the branches of a page at home lead.
func (h *homeTier) noteBranches(addr uint64, p *homePage) {
	for _, b := range p.Branches {
		to := b.Target &^ (host.PageSize - 1)
		if l := h.into[to]; len(l) == 0 || l[len(l)-1] != addr {
			h.into[to] = append(l, addr)
		}
	}
}

// withdraw gives the page at addr to the code cache for good. The caller is not in the
// guest.
func (e *Engine) withdraw(addr uint64, why error) {
	h := &e.home
	if h.at[addr] == nil {
		return
	}
	e.stop()
	e.takeAway(addr)
	h.pages.Refuse(addr, why)
	e.stats.HomeWithdrawn++
}

// takeAway ends the execution of a page at home. No thread is in the guest.
func (e *Engine) takeAway(addr uint64) {
	e.mem.Withdraw(addr)
	delete(e.home.at, addr)
	if e.rw.Options.KeepR11 { // landings at home have code before them
		e.landings.reset()
		return
	}
	for pc := addr; pc < addr+host.PageSize; pc++ {
		e.landings.unset(pc, pc)
	}
}

// withdrawAll ends the tier. The caller holds e.mu and is not in the guest.
func (e *Engine) withdrawAll() {
	h := &e.home
	if !h.on.Load() {
		return
	}
	h.on.Store(false)
	if len(h.at) == 0 {
		return
	}
	e.stop()
	e.stats.HomeWithdrawn += uint64(len(h.at))
	for addr := range h.at {
		e.takeAway(addr)
	}
}

// withdrawChanged takes away what the guest is about to change, and the page before,
// from which an instruction may reach over. No thread is in the guest.
func (e *Engine) withdrawChanged(lo, hi uint64) {
	h := &e.home
	if !h.on.Load() {
		return
	}
	for addr := range h.at {
		if addr < hi && addr+2*host.PageSize > lo {
			e.takeAway(addr)
		}
	}
	h.pages.Forget(max(lo, host.PageSize)-host.PageSize, hi)
	clear(h.visits)
	clear(h.stays)
	clear(h.crosses)
	clear(h.calls)
	clear(h.into)
	for addr, p := range h.at {
		h.noteBranches(addr, p)
	}
}

// installVDSO brings the page of the vDSO's entries home: a jump to an exit at the begin
// of each. What else a guest may look for in it is as it was.
func (e *Engine) installVDSO(addr uint64) *homePage {
	h := &e.home
	var starts []uint16
	p := new(homePage)
	if !e.room(h.portalBuf, e.vdso.Count*rewrite.MaxEmit) {
		return nil
	}
	for i := range e.vdso.Count {
		pc := e.vdso.Text + uint64(i)*e.vdso.Stride
		off := uint16(pc - addr)
		var old [5]byte
		if n, _ := e.mem.Fetch(pc, old[:]); n < len(old) || pc >= addr+host.PageSize {
			return nil
		}
		jump := [5]byte{0xe9}
		binary.LittleEndian.PutUint32(jump[1:], uint32(e.vdsoBody(pc, uint32(i))-pc-5))
		for k := range old {
			p.patches = append(p.patches, memory.Patch{Off: off + uint16(k), Old: old[k], New: jump[k]})
		}
		starts = append(starts, off, off+uint16(e.vdso.RetOffset))
	}
	e.mem.MarkTranslated(addr, addr+host.PageSize)
	if e.mem.SetHome(addr, p.patches) != nil {
		return nil
	}
	p.Page = home.NewPage(starts)
	h.at[addr] = p
	return p
}

// vdsoBody emits the exit of entry n, at pc, for calls from home.
func (e *Engine) vdsoBody(pc uint64, n uint32) uint64 {
	h := &e.home
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	hot, marks := e.rw.Hot, e.rw.HotMarks
	e.rw.Hot, e.rw.HotMarks = h.portalBuf, h.portalMarks
	body := e.rw.Hot.PC() + rewrite.CallEntryLen
	e.rw.Call(pc, n)
	h.portalMarks = e.rw.HotMarks
	e.rw.Hot, e.rw.HotMarks = hot, marks
	return body
}
