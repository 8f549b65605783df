package engine

import (
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// The first indirect call of a function costs a fault, some 4 us, although the function may long have a call entry, for
// direct calls. So the table of call entries is filled ahead, a chunk at a time: when the first entry in it is set, all
// functions there that have one come along; and those that get one later set theirs at once. Where nothing is called
// indirectly, the table stays empty.

// ahead reports whether that is done. With a home tier a call may have to go there; and watchers are told of every miss.
func (e *Engine) ahead() bool {
	return !packed && !e.home.on.Load() && e.watcher == nil && e.blocks == nil &&
		!e.rw.Options.Strict && e.rw.Without&rewrite.WithoutAhead == 0
}

// neighbours sets the entries of the functions in the chunk of lo, the first address in it.
func (e *Engine) neighbours(lo uint64) {
	if !e.ahead() {
		return
	}
	e.region.begin(lo)
	const functions = host.TableChunk / 8 // bytes of guest text
	for page := lo; page < lo+functions; page += host.PageSize {
		if !e.pages.any(page) {
			continue
		}
		for at := page; at < page+host.PageSize; at++ {
			if v := e.pages.at(at); v.translated() && v&entryCalled != 0 {
				e.setAhead(at, v)
			}
		}
	}
}

// setAhead sets the entry of pc, whose translation is v, with a call entry. A function that reads r11 goes without:
// its first call, which misses, is what tells that the process must keep r11.
func (e *Engine) setAhead(pc uint64, v entry) {
	_, vdso := e.vdso.call(pc)
	if vdso || e.rw.Options.KeepR11 || !e.reads(pc, liveR11) {
		e.entries.Set(pc, v.host()-rewrite.CallEntryLen)
	}
}

// calledAhead sets the entry of pc, which has just got translation v, in a chunk that exists.
func (e *Engine) calledAhead(pc uint64, v entry) {
	if inArena(pc) && e.entries.hasChunk(8*pc/host.TableChunk) && e.ahead() {
		e.setAhead(pc, v)
	}
}
