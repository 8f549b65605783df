//go:build linux || windows

package engine

import (
	"testing"

	"cabitrans/runtime/host"
)

// TestStackGrowsOnTheWay enters the guest from every depth of a fresh goroutine's
// stack, so that each function on the way, the assembly one included, is once the
// one that finds no room. Go then unwinds and moves the stack under it.
func TestStackGrowsOnTheWay(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, ud2)
	for depth := range 600 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			ht, err := host.NewThread(0)
			if err != nil {
				t.Error(err)
				return
			}
			defer ht.Close()
			if err := g.kernel.Reserve(); err != nil {
				t.Error(err)
				return
			}
			kt := g.kernel.NewThread(ht)
			defer kt.Leave()
			et := g.engine.NewThread(ht, kt, nil, Start{RIP: g.code, RSP: g.stack - 8})
			defer et.Close()
			if f := et.toCode(g.code, false); f != nil {
				t.Errorf("%+v", f)
				return
			}
			exits := 0
			serve := func() uint64 { ht.Settled(); exits++; return 0 }
			if under(depth, func() { ht.Run(et.stub, serve) }); exits != 1 {
				t.Errorf("at depth %d the guest exited %d times", depth, exits)
			}
		}()
		<-done
	}
}

// under calls f below n small frames.
//
//go:noinline
func under(n int, f func()) int {
	if n == 0 {
		f()
		return 0
	}
	return under(n-1, f) + 1
}
