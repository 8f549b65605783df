package engine

import (
	"sync"
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// TestLockedBits has two threads flip bits of the same 8 bytes through bit strings with
// 32-bit addresses in a segment with a base, which are emulated: each finds its own as
// it has left it.
func TestLockedBits(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, `
		f3 48 0f ae d7                ;   0 wrfsbase %rdi
		67 64 f0 48 0f bb 06          ;   5 lock btc %rax, %fs:(%esi)
		83 d3 00                      ;   c adc $0, %ebx
		ff c9                         ;   f dec %ecx
		75 f2                         ;  11 jne 0x5
		0f 0b                         ;  13 ud2`)
	const turns = 100_000
	var wg sync.WaitGroup
	for _, bit := range []uint64{3, 45} {
		wg.Go(func() {
			f := g.run(g.code, func(ht *host.Thread) {
				r := &ht.Block().Regs
				r[decode.RDI], r[decode.RSI], r[decode.RAX], r[decode.RCX] = g.data, 8, bit, turns
			})
			if f == nil || f.RIP != g.code+0x13 || f.Regs[decode.RBX] != turns/2 {
				t.Errorf("bit %d: %+v", bit, f)
			}
		})
	}
	wg.Wait()
	if v, err := g.mem.Load64(g.data + 8); v != 0 || err != nil {
		t.Errorf("%#x is left (%v)", v, err)
	}
}
