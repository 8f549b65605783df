package engine

import "cabitrans/runtime/host"

// The look-up table maps the target of an indirect branch or a return to its
// landing. A chunk of it is filled when the first address in it gets a landing;
// until then the read of the slot faults, afterwards the jump to the miss
// address does. Both name the guest address.

const tableChunks = 8 * host.ArenaHi / host.TableChunk

// setTable gives guest address pc, in the arena, the landing at host address to.
func (e *Engine) setTable(pc, to uint64) {
	if !inArena(pc) {
		return
	}
	c := 8 * pc / host.TableChunk
	if !e.chunks[c] {
		if err := e.space.FillTable(host.TableDisp + c*host.TableChunk); err != nil {
			// Without the chunk every branch to pc misses: slow, and right.
			e.tableErr = err
			return
		}
		e.chunks[c] = true
		e.stats.TableBytes += host.TableChunk
	}
	e.space.SetTable(pc, to)
}

func (e *Engine) resetTable() {
	for c, filled := range e.chunks {
		if !filled {
			continue
		}
		if err := e.space.DropTable(host.TableDisp + uint64(c)*host.TableChunk); err != nil {
			panic("engine: cannot drop a chunk of the look-up table: " + err.Error())
		}
		e.chunks[c] = false
	}
	e.stats.TableBytes = 0
}

// missed returns the guest address of an indirect branch that found no landing:
// the host then tried to fetch from pc, in the miss region.
func missed(pc uint64) (guest uint64, ok bool) {
	d := pc - host.MissBase
	return d, d < host.MissSize
}
