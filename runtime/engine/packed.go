package engine

import (
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// packedTable is the form of the look-up table on hosts that have one packed, and
// packed whether this is one.
//
// On such a host a fault may destroy the bytes below the guest's rsp. At a call and a
// return those are dead, and a miss is a fault as elsewhere. At a jump they may be a
// leaf function's: the jump word of every executable address therefore exists before
// the first instruction of its page can run (executable), and leads to an exit until
// there is a body (jumpMiss). So only a jump to where nothing is executable faults, and
// that ends the guest.
//
// The words of a page exist before any code leads there, so nobody sees them while they
// are filled: a host that cannot put a filled page in place in one step needs no more.
var packedTable = rewrite.Packed{Lea: host.PackedLea, Disp: host.PackedDisp}

const packed = host.PackedLea != 0

// eager is what of a packed table exists.
type eager struct {
	jumps  table
	filled []bool // by page
	set    []word // those that are not what they began with
}

// A word is one of a packed table.
type word struct {
	table *table
	pc    uint32
}

// executable is called by the address space, with its lock held, before pages in
// [lo, hi) become executable.
func (e *Engine) executable(lo, hi uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := &e.eager
	g.jumps.Table = host.Jumps
	if g.filled == nil {
		g.filled = make([]bool, host.ArenaHi/host.PageSize)
	}
	for pc := lo; pc < hi; pc += host.PageSize {
		if g.filled[pc/host.PageSize] {
			continue
		}
		if err := host.FillPage(pc, e.jumpMiss); err != nil {
			e.tableErr = err
			return err
		}
		g.filled[pc/host.PageSize] = true
		e.stats.TableBytes += host.PageSize * rewrite.PackedSize
	}
	return nil
}

// setWord gives guest address pc, in the arena, the host address to. What is not
// executable has no words: a branch there misses, and ends the guest.
func (e *Engine) setWord(t *table, pc, to uint64) {
	if g := &e.eager; g.filled != nil && g.filled[pc/host.PageSize] {
		t.Set(pc, to)
		g.set = append(g.set, word{t, uint32(pc)})
	}
}

// resetWords makes every branch through the table miss. No thread is in the guest.
func (e *Engine) resetWords() {
	g := &e.eager
	for _, w := range g.set {
		to := w.table.Miss + uint64(w.pc)
		if w.table == &g.jumps {
			to = e.jumpMiss
		}
		w.table.Set(uint64(w.pc), to)
	}
	g.set = g.set[:0]
}

// toJumped is toCode for the target of an indirect jump, which gets its word.
func (t *Thread) toJumped(pc uint64) *Fault {
	t.block.RIP = pc
	h, err := t.engine.jumped(pc)
	if err != nil {
		return t.fetchFault()
	}
	t.block.Entry, t.stub = h, t.engine.stubs.EnterFull
	return nil
}

// jumped resolves pc as the target of an indirect jump.
func (e *Engine) jumped(pc uint64) (uint64, error) {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.TableMisses++
	body, err := e.translate(pc, false)
	if err == nil {
		e.set(&e.eager.jumps, pc, body)
	}
	return body, err
}
