package engine

import (
	"fmt"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// handlers is a loop of indirect jumps, which for the most part leave r11 alone.
const handlers = `
			4c 8d 05 24 00 00 00          ;   0 leaq 36(%rip), %r8 # 0x2b <a>
			4c 8d 0d 2d 00 00 00          ;   7 leaq 45(%rip), %r9 # 0x3b <b>
			4c 8d 15 32 00 00 00          ;   e leaq 50(%rip), %r10 # 0x47 <c>
			4c 89 4f 08                   ;  15 movq %r9, 8(%rdi)
			4c 89 57 10                   ;  19 movq %r10, 16(%rdi)
			b9 09 00 00 00                ;  1d movl $9, %ecx
			41 bb 2a 00 00 00             ;  22 movl $42, %r11d
			41 ff e0                      ;  28 jmpq *%r8
			ff c9                         ;  2b decl %ecx
			74 15                         ;  2d je 0x44 <d>
			83 f9 05                      ;  2f cmpl $5, %ecx
			75 04                         ;  32 jne 0x38 <e>
			49 83 c3 01                   ;  34 addq $1, %r11
			ff 67 08                      ;  38 jmpq *8(%rdi)
			48 83 c2 02                   ;  3b addq $2, %rdx
			eb 00                         ;  3f jmp 0x41 <f>
			41 ff e0                      ;  41 jmpq *%r8
			ff 67 10                      ;  44 jmpq *16(%rdi)
			4c 89 db                      ;  47 movq %r11, %rbx
			41 bb 07 00 00 00             ;  4a movl $7, %r11d
			4c 8d 05 03 00 00 00          ;  50 leaq 3(%rip), %r8 # 0x5a <g>
			41 ff e0                      ;  57 jmpq *%r8
			48 89 d6                      ;  5a movq %rdx, %rsi
			41 89 cb                      ;  5d movl %ecx, %r11d
			0f 0b                         ;  60 ud2`

// TestLandings: r11 survives indirect jumps that borrow it, whatever their targets do with
// it, and whichever of the optimisations are in force.
func TestLandings(t *testing.T) { eachTLS(t, testLandings) }

func testLandings(t *testing.T, tls rewrite.TLS) {
	for _, without := range []rewrite.Without{0, rewrite.WithoutTails, rewrite.WithoutLandings, rewrite.WithoutAll} {
		for _, o := range optionsOf(tls) {
			t.Run(fmt.Sprintf("without %b, %+v", without, o), func(t *testing.T) {
				g := newGuestTLS(t, tls)
				g.engine.Without(without)
				g.engine.mu.Lock()
				g.engine.setOptions(o)
				g.engine.mu.Unlock()
				g.put(g.code, handlers)
				for range 2 {
					checkHandlers(t, g)
				}
			})
		}
	}
}

func checkHandlers(t *testing.T, g *guest) {
	t.Helper()
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RDI] = g.data })
	if f == nil || f.RIP != g.code+0x60 || f.Signal != SigILL {
		t.Fatalf("%+v", f)
	}
	if f.Regs[decode.RBX] != 43 || f.Regs[decode.RSI] != 16 || f.Regs[decode.R11] != 0 {
		t.Errorf("r11 was %d, want 43; rdx %d, want 16; r11 is %d, want 0",
			f.Regs[decode.RBX], f.Regs[decode.RSI], f.Regs[decode.R11])
	}
}

// TestDeadR11: what counts as a proof that r11 is replaced before it is read.
func TestDeadR11(t *testing.T) {
	for _, c := range []struct {
		name, code string
		dead       bool
	}{
		{"replaced", "41 bb 2a 00 00 00  0f 0b", true},
		{"read", "90 4c 89 db 0f 0b", false},
		{"replaced in part", "41 b3 2a 4c 89 db c3", false},
		{"a return", "90 c3", true},
		{"an indirect jump", "90 ff e0", false},
		{"both ways", "74 01 c3 c3", true},
		{"read on one way", "74 01 c3 4c 89 db c3", false},
		{"a loop", "ff c9 75 fc c3", true},
		{"an indirect call", "ff d0 4c 89 db", true},
		{"a call", "e8 01 00 00 00 0f 0b 31 c0 c3", true},
		{"a call of what reads it", "e8 02 00 00 00 0f 0b 4c 89 db c3", false},
		{"no code", "0f 0b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t)
			g.put(g.code, c.code)
			e := g.engine
			g.mem.RLock()
			defer g.mem.RUnlock()
			e.mu.Lock()
			defer e.mu.Unlock()
			e.region.begin(g.code)
			if got := e.deadR11(g.code); got != c.dead {
				t.Errorf("dead: %v", got)
			}
		})
	}
}

// TestFlagsAfterReturn: a function may answer by a flag, although the ABI makes them dead.
func TestFlagsAfterReturn(t *testing.T) {
	for _, c := range []struct{ name, code string }{
		{"at once", "e8 05 00 00 00  0f 92 c3  0f 0b  f9 c3"},
		{"a call later", "e8 08 00 00 00  90 e8 04 00 00 00  0f 0b  f9 c3  0f 92 c3 c3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t)
			g.put(g.code, c.code)
			if f := g.run(g.code, nil); f == nil || f.Signal != SigILL || f.Regs[decode.RBX] != 1 {
				t.Errorf("%+v", f)
			}
		})
	}
}
