//go:build linux || windows

package engine

import (
	"encoding/binary"
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestControlOfMXCSR: a guest that rounds up finds that after a call through the vDSO, and Go
// never rounds so, wherever the instruction comes from; a guest that has none does not make calls look.
func TestControlOfMXCSR(t *testing.T) {
	const load, store = "0f ae 13", "0f ae 5b 04" // ldmxcsr (%rbx); stmxcsr 4(%rbx)
	const call = "41 ff d4"                       // callq *%r12
	for _, c := range []struct {
		name, code string
		n          uint64 // up to the end
		loads      bool
	}{
		{"none", call + store + ud2, 7, false},
		{"before", load + call + store + ud2, 10, true},
		{"VEX", "c5 f8 ae 13" + call + store + ud2, 11, true},
		{"between two calls", call + load + call + store + ud2, 13, true},
		{"in a short function", "e8 09 00 00 00" + call + store + ud2 + load + "c3", 12, true},
		{"in an instruction", `
			48 8d 05 0c 00 00 00  ; leaq 12(%rip), %rax
			ff d0                 ; callq *%rax` + "\n" + call + store + ud2 + `
			b8 0f ae 13 c3        ; movl $3272846863, %eax
			c3                    ; retq`, 16, true},
	} {
		for _, tls := range strategies() {
			t.Run(c.name+"/"+tls.Name(), func(t *testing.T) { testControl(newGuestTLS(t, tls), c.code, c.n, c.loads) })
		}
		t.Run(c.name+"/home", func(t *testing.T) {
			g := newGuest(t)
			if !g.engine.Home(&oneFunction{g.code, g.code + c.n + 2}) {
				t.Skip("this host has no home tier")
			}
			testControl(g, c.code, c.n, c.loads)
			if s := g.engine.Stats(); s.HomePages == 0 || s.Instructions != 0 {
				t.Errorf("%d pages at home, %d instructions translated", s.HomePages, s.Instructions)
			}
		})
	}
}

func testControl(g *guest, code string, n uint64, loads bool) {
	const up = 0x5f80 // MXCSR, rounding up
	g.put(g.code, code)
	value := binary.LittleEndian.AppendUint32(nil, up)
	if err := g.mem.CopyOut(g.data, value); err != nil {
		g.Fatal(err)
	}
	f := g.runSeen(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RBX] = g.data
		r[decode.R12] = g.vdso + 16*uint64(slotOf(abi.CallClockResGet))
	}, func(b *host.Block) {
		if sum(1, 0x1p-53) != 1 {
			g.Errorf("Go rounds up at exit %d", b.Exit)
		}
	})
	if f == nil || f.RIP != g.code+n {
		g.Fatalf("%+v, want a fault at %#x", f, g.code+n)
	}
	if err := g.mem.CopyIn(value, g.data+4); err != nil {
		g.Fatal(err)
	}
	want := uint32(host.DefaultMXCSR)
	if loads {
		want = up
	}
	if got := binary.LittleEndian.Uint32(value); got&^0x3f != want {
		g.Errorf("MXCSR is %#x after the call, want %#x", got, want)
	}
	if word := g.engine.space.Code()[controlWord-host.CacheLo]; (word != 0) != loads && *without == "" {
		g.Errorf("calls look at MXCSR: %d", word)
	}
}

//go:noinline
func sum(a, b float64) float64 { return a + b }
