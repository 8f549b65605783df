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
	checkMarks(t, g.engine)
}

// TestMarkInChunks: the source map of much code is in chunks.
func TestMarkInChunks(t *testing.T) {
	g := newGuest(t)
	for _, pc := range loadText(g, "cold") {
		if _, err := g.engine.resolve(pc, true); err != nil {
			t.Fatal(err)
		}
	}
	e := g.engine
	if len(e.hotMarks) < 2 || len(e.coldMarks) < 2 {
		t.Fatalf("%d and %d full chunks of marks, want several", len(e.hotMarks), len(e.coldMarks))
	}
	checkMarks(t, e)
	last := uint64(0)
	e.Code(func(lo, hi, guest uint64) {
		if lo < last || hi <= lo {
			t.Fatalf("[%#x, %#x) of %#x comes behind %#x", lo, hi, guest, last)
		}
		last = hi
	})
}

// checkMarks looks every mark up.
func checkMarks(t *testing.T, e *Engine) {
	t.Helper()
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
