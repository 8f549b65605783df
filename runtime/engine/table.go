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

// missed reports whether a fault, at host address pc while accessing addr, is an
// indirect branch to a guest address without a landing. fetch tells that pc
// itself could not be fetched; table that the instruction reads the table.
func missed(pc, addr uint64, table bool) (guest uint64, ok bool) {
	if d := pc - host.MissBase; d < host.MissSize {
		return d, true
	}
	if d := addr - host.TableDisp; table && d < host.TableSize {
		return d / 8, true
	}
	return 0, false
}
