package engine

import (
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestAhead calls functions directly, and then indirectly: only the first indirect call in a chunk of the table misses.
// One of the functions reads r11, which must be what it was before its call.
func TestAhead(t *testing.T) {
	if packed {
		t.Skip("a packed table has no chunks")
	}
	for _, c := range []struct {
		name    string
		without rewrite.Without
		misses  uint64
	}{
		{"ahead", rewrite.WithoutLeaves, 3},
		{"not", rewrite.WithoutLeaves | rewrite.WithoutAhead, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t)
			g.engine.Without(c.without)
			// Functions at 0x100 and 0x200, and at 0x300 one that is called only later; at 0x400 one that reads r11.
			g.put(g.code, `
				e8 fb 00 00 00          ;  0 call 0x100
				e8 f6 01 00 00          ;  5 call 0x200
				49 8d 84 24 00 01 00 00 ;  a lea 0x100(%r12), %rax
				ff d0                   ; 12 call *%rax: misses
				49 8d 84 24 00 02 00 00 ; 14 lea 0x200(%r12), %rax
				ff d0                   ; 1c call *%rax
				e8 dd 02 00 00          ; 1e call 0x300
				49 8d 84 24 00 03 00 00 ; 23 lea 0x300(%r12), %rax
				ff d0                   ; 2b call *%rax
				41 bb 01 00 00 00       ; 2d mov $1, %r11d: the continuation does not read what the call leaves in it
				e8 c8 03 00 00          ; 33 call 0x400
				49 8d 84 24 00 04 00 00 ; 38 lea 0x400(%r12), %rax
				41 bb 2a 00 00 00       ; 40 mov $42, %r11d
				ff d0                   ; 46 call *%rax: misses, and so does its return, as translations are dropped
				0f 0b`)
			for _, off := range []uint64{0x100, 0x200, 0x300} {
				g.put(g.code+off, "48 ff c3 c3") // inc %rbx; ret
			}
			g.put(g.code+0x400, "4c 89 d9 c3") // mov %r11, %rcx; ret
			f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.R12] = g.code })
			if f == nil || f.RIP != g.code+0x48 {
				t.Fatalf("%+v", f)
			}
			if rbx, rcx := f.Regs[decode.RBX], f.Regs[decode.RCX]; rbx != 6 || rcx != 42 {
				t.Errorf("rbx is %d, rcx %d, want 6 and 42", rbx, rcx)
			}
			if n := g.engine.Stats().TableMisses; n != c.misses {
				t.Errorf("%d misses, want %d", n, c.misses)
			}
		})
	}
}
