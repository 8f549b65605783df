package engine

import (
	"encoding/binary"
	"time"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// stop makes every thread leave the guest and stay out until Engine.mu, which
// the caller holds, is free again. The caller, too, is kicked: the address it has
// looked up may be dropped.
func (e *Engine) stop() {
	e.threadsMu.Lock()
	defer e.threadsMu.Unlock()
	alone := len(e.threads) <= 1
	for t := range e.threads {
		t.host.Kick()
		alone = alone && t.host.Current()
	}
	if alone {
		return // no other thread has to learn of its kick
	}
	if err := host.Barrier(); err != nil {
		panic("engine: no memory barrier: " + err.Error())
	}
	for t := range e.threads {
		for wait := time.Microsecond; t.host.InGuest(); {
			time.Sleep(wait)
			if wait < time.Millisecond {
				wait *= 2
			}
		}
	}
}

// flush drops all translations while other threads may be running. The caller
// holds e.mu and is not in the guest.
func (e *Engine) flush() {
	e.stop()
	e.drop()
	e.stats.Flushes++
	if e.watcher != nil {
		e.watcher.Dropped(e.dropping)
	}
	e.dropping = DropFull
}

// drop forgets all translations; no thread is in the guest.
func (e *Engine) drop() {
	if packed {
		e.resetWords()
	} else {
		e.landings.reset()
		e.entries.reset()
		e.stats.TableBytes = 0
	}
	e.marksMu.Lock()
	defer e.marksMu.Unlock()
	e.dropBlocks()
	e.pages.reset()
	e.links = e.links[:0]
	e.region.forget()
	clear(e.calls)
	e.resetBuffers()
	e.resetPortals()
}

// invalidate is called by the address space, with its lock held, before guest
// code that was translated changes.
func (e *Engine) invalidate(lo, hi uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropping = DropCode
	e.flush()
	e.withdrawChanged(lo, hi)
}

// setOptions switches all threads to translations made with the given options.
// The caller holds e.mu and is not in the guest.
func (e *Engine) setOptions(o rewrite.Options) {
	if o == e.rw.Options {
		return
	}
	e.dropping = DropOptions
	e.flush()
	e.rw.Options = o
	e.home.pages.KeepR11 = o.KeepR11
	if o.MovingBase && !e.rw.FS.Follows() {
		e.withdrawAll()
	}
	switch {
	case o.Strict:
		e.setReturns(2)
	case o.KeepR11:
		e.setReturns(1)
	}
}

// setReturns chooses the return from a vDSO call, by index into vdsoRet. No thread is in
// the guest.
func (e *Engine) setReturns(i uint32) {
	e.returns.Store(i)
	e.back.Store(e.vdsoRet[i])
	binary.LittleEndian.PutUint64(e.space.Code()[returnWord-host.CacheLo:], e.vdsoRet[i])
}

// strict reports Options.Strict, which nothing changes once threads run.
func (e *Engine) strict() bool { return e.returns.Load() == 2 }

// vdsoReturn is the host address at which a vDSO call returns to the guest.
func (e *Engine) vdsoReturn() uint64 { return e.back.Load() }
