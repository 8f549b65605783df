package engine

import "cabitrans/runtime/host"

// The look-up tables map the target of an indirect jump or a return to its
// landing, and that of an indirect call to its call entry. A chunk of a table is
// filled when the first address in it is set; until then the read of the slot
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
		if err := t.Fill(pc); err != nil {
			// Without the chunk every branch to pc misses: slow, and right.
			e.tableErr = err
			return
		}
		t.filled[c/64] |= 1 << (c % 64)
		t.chunks = append(t.chunks, uint32(c))
		e.stats.TableBytes += host.TableChunk
	}
	t.Set(pc, to)
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
	for _, c := range t.chunks {
		if err := t.Drop(uint64(c) * host.TableChunk / 8); err != nil {
			panic("engine: cannot drop a chunk of a look-up table: " + err.Error())
		}
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
