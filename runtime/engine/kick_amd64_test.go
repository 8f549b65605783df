//go:build linux || windows

package engine

import (
	"testing"
	"time"

	"cabitrans/runtime/host"
)

// TestKickBeforeTranslation ends the process while a thread is about to translate
// what it runs next. The translation must not swallow the kick: the guest would
// spin for ever.
func TestKickBeforeTranslation(t *testing.T) {
	for _, c := range []struct {
		name, code string
		rip        uint64
	}{
		{"start", "eb fe", 0},
		{"direct", "e9 00 10 00 00", 0}, // to the loop, untranslated so far
		{"indirect", "ff e0", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t)
			g.put(g.code+0x1005, "eb fe")
			g.put(g.code, c.code)
			over := make(chan *Fault)
			go func() {
				over <- g.run(g.code, func(ht *host.Thread) {
					ht.Block().Regs[0] = g.code + 0x1005
					g.kernel.Exit(0)
				})
			}()
			select {
			case f := <-over:
				if f != nil {
					t.Errorf("%+v", f)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the kick was lost: the guest is still running")
			}
		})
	}
}
