package engine

import (
	"testing"

	"cabitrans/runtime/host"
)

// TestCode compares what Code says with where guest instructions have their translation.
func TestCode(t *testing.T) {
	g := newGuest(t)
	// call f; ud2; f: mov $1,%eax; jmp *-8(%rsp) is no good here: ret; two regions
	g.put(g.code, "e8 fb 0f 00 00 0f 0b")
	g.put(g.code+0x1000, "b8 01 00 00 00 31 d2 c3")
	if f := g.run(g.code, nil); f == nil || f.RIP != g.code+5 {
		t.Fatalf("ended with %v", f)
	}
	found, end := 0, uint64(host.CacheLo)
	guestAt := make(map[uint64]uint64)
	g.engine.Code(func(lo, hi, guest uint64) {
		if lo < end || hi <= lo {
			t.Errorf("[%#x, %#x) is behind %#x", lo, hi, end)
		}
		end = hi
		guestAt[lo] = guest
	})
	for pc := g.code; pc < g.code+0x1010; pc++ {
		h, ok := g.engine.lookup(pc)
		if !ok {
			continue
		}
		found++
		if at, ok := guestAt[h]; !ok || at != pc {
			t.Errorf("%#x is translated at %#x, which Code says is of %#x, %v", pc, h, at, ok)
		}
	}
	if found < 2 {
		t.Errorf("%d translations", found)
	}
}
