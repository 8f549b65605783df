package engine

import (
	"errors"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// errNoCode is what resolve answers for an address without executable memory:
// the guest's own fault.
var errNoCode = errors.New("no executable memory at the address")

// lookup returns the host address of pc's translation without a lock. The
// address may be dropped at any moment; the entry stub refuses it then.
func (e *Engine) lookup(pc uint64) (uint64, bool) {
	t := e.pages.at(pc)
	return t.host(), t.translated()
}

// resolve returns the host address at which guest address pc is translated,
// translating it if need be. called says that a direct call waits for the
// translation. A kick stays pending: only attend, which sees to what it was for,
// may end it.
func (e *Engine) resolve(pc uint64, called bool) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.translate(pc, called)
}

// landing resolves pc as the target of an indirect branch and enters it in the
// table.
func (e *Engine) landing(pc uint64) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.TableMisses++
	if !e.room(e.rw.Cold, minRoom) {
		e.flush()
	}
	body, set, err := e.landsAt(pc)
	if err != nil || !set {
		return body, err
	}
	if e.watcher != nil {
		e.watcher.Missed(pc, false)
	}
	e.set(&e.landings, pc, e.land(pc, body))
	return body, nil
}

// landsAt is the host address for an indirect branch to pc, and whether it goes into the
// table. A return to home does.
func (e *Engine) landsAt(pc uint64) (body uint64, set bool, err error) {
	if e.home.on.Load() && inArena(pc) && !e.pages.at(pc).translated() {
		if p := e.home.at[pc&^(host.PageSize-1)]; p != nil && p.Returns(pc%host.PageSize) {
			return pc, true, nil
		}
		if e.comesHome(pc, origin{}) {
			return pc, false, nil
		}
	}
	body, err = e.translate(pc, false)
	return body, err == nil, err
}

// callee resolves pc as the target of an indirect call and enters it in the table
// of call entries. If it reads r11, as no function of the ABI does, the process
// must keep r11 across calls from now on; this one has it still.
func (e *Engine) callee(pc uint64) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.TableMisses++
	if !e.room(e.rw.Cold, minRoom) {
		e.flush()
	}
	if e.home.on.Load() && inArena(pc) && e.comesHome(pc, origin{}) {
		return pc, nil
	}
	if _, vdso := e.vdso.call(pc); !vdso && inArena(pc) {
		e.region.begin(pc)
		if e.reads(pc, liveR11) {
			o := e.rw.Options
			o.KeepR11 = true
			e.setOptions(o)
		}
	}
	body, err := e.translate(pc, true)
	if err != nil {
		return 0, err
	}
	if e.watcher != nil {
		e.watcher.Missed(pc, true)
	}
	known := len(e.entries.chunks)
	e.set(&e.entries, pc, e.callEntry(pc))
	for _, c := range e.entries.chunks[known:] {
		e.neighbours(uint64(c) * host.TableChunk / 8)
	}
	return body, nil
}

// callEntry is where indirect calls enter pc, which is translated.
func (e *Engine) callEntry(pc uint64) uint64 {
	if addr := e.leafEntry(pc); addr != 0 {
		return addr
	}
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	return e.target(pc, e.pages.at(pc), rewrite.RefCall)
}

// translate is resolve with the locks held.
func (e *Engine) translate(pc uint64, called bool) (uint64, error) {
	if h, ok := e.lookup(pc); ok {
		return h, nil
	}
	if !inArena(pc) {
		return 0, errNoCode
	}
	begin := host.Ticks()
	defer func() { e.translateTicks += host.Ticks() - begin }()
	if e.full() {
		e.flush()
	}
	e.ready(&e.hotReady, e.rw.Hot)
	e.ready(&e.coldReady, e.rw.Cold)
	if n, ok := e.vdso.call(pc); ok && !e.breaks[pc] {
		off := e.translateVDSO(pc, n)
		e.publish(pc, entryOf(off)|entryCalled)
		return host.CacheLo + uint64(off), nil
	}
	if e.find(pc) && !e.rw.Options.KeepR11 {
		o := e.rw.Options
		o.KeepR11 = true
		e.setOptions(o)
		e.find(pc)
	}
	g := &e.region
	if len(g.insts) == 0 && g.runs[0].end == endsFetch {
		return 0, errNoCode
	}
	e.emit(pc, called)
	h, _ := e.lookup(pc)
	return h, nil
}

// translateVDSO makes a vDSO entry an exit, and returns the offset of its body.
func (e *Engine) translateVDSO(pc uint64, n uint32) uint32 {
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	e.rw.Hot.Align(16)
	off := e.offset() + rewrite.CallEntryLen
	start := e.rw.Hot.Len()
	e.rw.Call(pc, n)
	if e.watcher != nil {
		code := e.rw.Hot.Code(start)
		e.watcher.Translated(&Translation{
			Entry: pc, VDSO: true, Stubs: e.stubs, Host: code, HostPC: e.rw.Hot.PC() - uint64(len(code)),
		})
	}
	return off
}
