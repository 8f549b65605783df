package engine

import (
	"testing"

	"cabitrans/runtime/host"
)

// TestMarkOfNeighbours: the last instruction of one stretch of code must not be
// taken for the first of the next, a few bytes behind it.
func TestMarkOfNeighbours(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, ud2)
	g.run(g.code, nil)
	e := g.engine
	for i, list := range e.markLists() {
		for k, m := range list.marks {
			if k+1 < len(list.marks) && list.marks[k+1].Host == m.Host {
				continue // of padding that was not needed
			}
			if got, ok := e.mark(host.CacheLo + uint64(m.Host)); !ok || got != m {
				t.Errorf("list %d: the mark of %#x is %+v, want %+v", i, m.Host, got, m)
			}
		}
	}
}
