//go:build linux || windows

package engine

import (
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestLeaves says which functions are copied into their callers. Whether they are or not, the
// program ends behind the call with what the function leaves in rax.
func TestLeaves(t *testing.T) {
	if *without != "" {
		t.Skip("without it there is none")
	}
	const reads, writes, no = 2, 1, 0 // copied always; only if returns lose the flags; never
	nop := func(n int) string { return strings.Repeat("90 ", n) }
	for _, c := range []struct {
		name, code string
		rax        uint64
		copied     int
	}{
		{"a constant", "b8 03 00 00 00 c3", 3, reads},
		{"a load", "8b 07 c3", 0, reads},
		{"the stack", "48 8b 44 24 08  c3", 0x77, reads},
		{"a thread-local variable", "64 48 8b 0c 25 00 00 00 00  b8 01 00 00 00  c3", 1, reads},
		{"a store", "89 37 b8 04 00 00 00 c3", 4, writes},
		{"exchange", "87 37 b8 04 00 00 00 c3", 4, writes},
		{"comparison with memory", "83 3f 00  0f 94 c0  0f b6 c0  c3", 1, reads},
		{"addition to memory", "83 07 00  b8 07 00 00 00 c3", 7, writes},
		{"a vector store", "0f 29 07  b8 04 00 00 00 c3", 4, writes},
		{"a vector load", "0f 28 07  b8 04 00 00 00 c3", 4, reads},
		{"a condition over a return", "31 c0  85 c0  75 06  b8 09 00 00 00 c3  b8 08 00 00 00 c3", 9, reads},
		{"a jump", "b8 09 00 00 00  eb 02  ff c0  c3", 9, reads},
		{"a jump out of it", "b8 09 00 00 00  74 40  c3", 9, no},
		{"a jump into an instruction", "b8 09 00 00 00  85 c0  74 01  b9 c3 c3 c3 c3  c3", 9, no},
		{"a loop", "b8 02 00 00 00  ff c8  75 fc  c3", 0, no},
		{"a frame", "55  48 89 e5  48 8b 45 10  5d  c3", 0x77, reads},
		{"a frame and a branch", "55  48 89 e5  31 c0  74 00  5d  c3", 0, no},
		{"a saved register", "50 58 b8 03 00 00 00 c3", 3, no},
		{"pushed later", "b8 03 00 00 00  50  58  c3", 3, reads},
		{"pops its return address", "b8 03 00 00 00  59  51  c3", 3, no},
		{"pushes one", "b8 03 00 00 00  ff 34 24  8f 04 24  c3", 3, no},
		{"a system call", "31 c0  74 02  0f 05  c3", 0, no},
		{"moves the stack", "48 8d 64 24 f8  48 8d 64 24 08  b8 03 00 00 00  c3", 3, no},
		{"a call", "b8 03 00 00 00  e8 00 00 00 00  59  c3", 3, no},
		{"string instruction", "b8 03 00 00 00  85 c0  75 01  ac  c3", 3, no},
		{"15 instructions", nop(14) + "31 c0 c3", 0, reads},
		{"17 instructions", nop(15) + "31 c0 c3", 0, no},
		{"too long", strings.Repeat("48 b8 03 00 00 00 00 00 00 00 ", 7) + "c3", 3, no},
		{"a return that drops much", "b8 03 00 00 00  c2 f7 ff", 3, reads},
		{"a return that drops more", "b8 03 00 00 00  c2 f8 ff", 3, no},
		{"its return address, unchanged", "48 83 04 24 00  b8 03 00 00 00  c3", 3, writes},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "a return that drops") {
				needsFaultsWithoutStack(t)
			}
			for _, keep := range []bool{false, true} {
				g := newGuest(t)
				g.setOptions(rewrite.Options{KeepR11: keep})
				// push $0x77; call; ud2
				g.put(g.code, "6a 77  e8 f9 00 00 00"+ud2)
				g.put(g.code+0x100, c.code)
				for range 2 {
					f := g.run(g.code, func(ht *host.Thread) {
						r := &ht.Block().Regs
						r[decode.RDI], r[decode.RSI] = g.data, g.data
					})
					if f == nil || f.Signal != SigILL || f.RIP != g.code+7 || f.Regs[decode.RAX] != c.rax {
						t.Fatalf("%+v, want rax to be %#x", f, c.rax)
					}
				}
				want := uint64(0)
				if c.copied == reads || c.copied == writes && !keep {
					want = 1
				}
				if n := g.engine.Stats().Leaves; n != want {
					t.Errorf("KeepR11 %v: %d copies, want %d", keep, n, want)
				}
			}
		})
	}
}

// TestLeafChanges: a copy goes with the function's text, in the caller's window or out of it.
func TestLeafChanges(t *testing.T) {
	for _, call := range []string{"direct", "indirect"} {
		for _, at := range []uint64{0x100, host.PageSize - 3, 15 * host.PageSize} {
			g := newGuest(t)
			code, to := []byte{0xff, 0xd3, 0x0f, 0x0b}, uint32(at-5) // call *%rbx
			if call == "direct" {
				code = []byte{0xe8, byte(to), byte(to >> 8), byte(to >> 16), byte(to >> 24), 0x0f, 0x0b}
			}
			g.write(g.code, code)
			for i, text := range []string{"b8 01 00 00 00 c3", "b8 02 00 00 00 c3", "b8 03 00 00 00 51 59 c3", "b8 04 00 00 00" + ud2} {
				g.put(g.code+at, text)
				end := g.code + uint64(len(code)-2)
				if i == 3 {
					end = g.code + at + 5
				}
				f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RBX] = g.code + at })
				if f == nil || f.Regs[decode.RAX] != uint64(i+1) || f.RIP != end {
					t.Errorf("%s, the function at %#x as %q: %+v", call, at, text, f)
				}
			}
		}
	}
}

// TestLeafFaults: a fault in a copy is one in the function, the return address on the stack;
// a changed return address is honoured.
func TestLeafFaults(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, "e8 fb 00 00 00"+ud2)
	g.put(g.code+0x100, "b8 01 00 00 00  8b 09  c3") // mov (%rcx),%ecx
	for range 2 {
		f := g.run(g.code, nil)
		if f == nil || f.Signal != SigSEGV || f.RIP != g.code+0x105 || f.Addr != 0 || f.Regs[decode.RSP] != g.stack-16 {
			t.Fatalf("%+v", f)
		}
		if v, _ := g.mem.Load64(g.stack - 16); v != g.code+5 {
			t.Errorf("return address %#x", v)
		}
	}
	// Behind the call's continuation, far away, and to no canonical address.
	for _, to := range []uint64{g.code + 0x180, 0x1234_5678_9abc, 1 << 63} {
		g.put(g.code+0x100, "48 89 3c 24  c3") // mov %rdi,(%rsp)
		g.put(g.code+0x180, ud2)
		f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RDI] = to })
		at, rsp := to, g.stack-8
		if int64(to) < 0 {
			at, rsp = g.code+0x104, g.stack-16
		}
		if f == nil || f.RIP != at || f.Regs[decode.RSP] != rsp {
			t.Errorf("a return to %#x: %+v", to, f)
		}
	}
}

// TestLeafBreakpoint: a breakpoint in a function stops its callers.
func TestLeafBreakpoint(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, "e8 fb 00 00 00"+ud2)
	g.put(g.code+0x100, "b8 01 00 00 00  89 c1  c3")
	for _, at := range []uint64{0, 0x100, 0x105, 0x107, 0} {
		want := g.code + at
		if at == 0 {
			g.engine.SetBreakpoints(nil)
			want = g.code + 5
		} else {
			g.engine.SetBreakpoints([]uint64{g.code + at})
		}
		if f := g.run(g.code, nil); f == nil || f.RIP != want || (f.Signal == SigTRAP) != (at != 0) {
			t.Errorf("a breakpoint at %#x: %+v", at, f)
		}
	}
}

// TestLeafLanding: an indirect jump to behind a call that is a copy finds it in the table at
// once, as behind any other call.
func TestLeafLanding(t *testing.T) {
	if packed {
		t.Skip("in a packed table jumps have words of their own, which the first jump sets")
	}
	for _, without := range []rewrite.Without{0, rewrite.WithoutLeaves} {
		g := newGuest(t)
		g.engine.Without(without)
		g.put(g.code, `
			b9 03 00 00 00          ;  0 mov $3, %ecx
			48 8d 05 05 00 00 00    ;  5 lea 5(%rip), %rax # 11
			e8 ef 00 00 00          ;  c call 0x100
			ff c9                   ; 11 dec %ecx
			74 02                   ; 13 je 0x17
			ff e0                   ; 15 jmp *%rax
			0f 0b`)
		g.put(g.code+0x100, "48 ff c3 c3") // inc %rbx; ret
		f := g.run(g.code, nil)
		if f == nil || f.RIP != g.code+0x17 || f.Regs[decode.RBX] != 1 || f.Regs[decode.RCX] != 0 {
			t.Fatalf("%+v", f)
		}
		if s := g.engine.Stats(); s.TableMisses != 0 {
			t.Errorf("without %b: %d misses, %d copies", without, s.TableMisses, s.Leaves)
		}
	}
}
