package engine

import (
	"slices"

	"cabitrans/runtime/host"
)

// The look-up tables map the target of an indirect jump or a return to its
// landing, and that of an indirect call to its call entry. A chunk of a table is
// filled when the first address in it is set, and those around it if many are already; until then the read of the slot
// faults, afterwards the branch to the miss address does. Both name the guest
// address.

const tableChunks = 8 * host.ArenaHi / host.TableChunk

// A table is a host table and which of its chunks are filled.
type table struct {
	host.Table
	filled [(tableChunks + 63) / 64]uint64 // a bit each
	chunks []uint32                        // the numbers of those
}

// hasChunk reports whether chunk c is filled.
func (t *table) hasChunk(c uint64) bool { return t.filled[c/64]>>(c%64)&1 != 0 }

// set gives guest address pc, in the arena, the host address to.
func (e *Engine) set(t *table, pc, to uint64) {
	if !inArena(pc) {
		return
	}
	if packed {
		e.setWord(t, pc, to)
		return
	}
	if c := 8 * pc / host.TableChunk; !t.hasChunk(c) {
		lo, n := t.stretch(c)
		if err := t.Fill(lo*host.TableChunk/8, n); err != nil {
			// Without the chunk every branch to pc misses: slow, and right.
			e.tableErr = err
			return
		}
		for i := lo; i < lo+n; i++ {
			t.filled[i/64] |= 1 << (i % 64)
			t.chunks = append(t.chunks, uint32(i))
		}
		e.stats.TableBytes += n * host.TableChunk
	}
	t.Set(pc, to)
}

// Chunks are filled one by one up to chunksEach of them, then two at once, and so on up to maxChunks: a move costs as
// much as filling one, and a program that executes much text executes what is near.
const (
	chunksEach = 16
	maxChunks  = 8
)

// stretch is the aligned stretch of n chunks from lo on, none of them filled, that is filled with c.
func (t *table) stretch(c uint64) (lo, n uint64) {
	n = 1
	for n < maxChunks && n*chunksEach <= uint64(len(t.chunks)) {
		n *= 2
	}
	for ; ; n /= 2 {
		lo = c &^ (n - 1)
		if t.filled[lo/64]>>(lo%64)&(1<<n-1) == 0 {
			return lo, n
		}
	}
}

// unset makes pc miss again if its slot holds old. No thread is in the guest.
func (t *table) unset(pc, old uint64) {
	if t.hasChunk(8*pc/host.TableChunk) && t.Get(pc) == old {
		t.Set(pc, t.Miss+pc)
	}
}

// has reports whether pc has an entry.
func (t *table) has(pc uint64) bool {
	return inArena(pc) && t.hasChunk(8*pc/host.TableChunk) && t.Get(pc) != t.Miss+pc
}

func (t *table) reset() {
	slices.Sort(t.chunks)
	for l := t.chunks; len(l) > 0; {
		n := 1 // neighbours
		for n < len(l) && l[n] == l[0]+uint32(n) {
			n++
		}
		if err := t.Drop(uint64(l[0])*host.TableChunk/8, uint64(n)); err != nil {
			panic("engine: cannot drop a part of a look-up table: " + err.Error())
		}
		l = l[n:]
	}
	for _, c := range t.chunks {
		t.filled[c/64] &^= 1 << (c % 64)
	}
	t.chunks = t.chunks[:0]
}

// A miss is an indirect branch that found nothing in its table.
type miss uint8

const (
	missNone miss = iota
	missLanding
	missCall // the host's return address is on the stack, too
)

// missed returns the guest address that the host, by trying to fetch from pc, asked
// for.
func missed(pc uint64) (guest uint64, kind miss) {
	if d := pc - host.MissBase; d < host.MissSize {
		return d, missLanding
	}
	if d := pc - host.CallMissBase; d < host.MissSize {
		return d, missCall
	}
	return 0, missNone
}
