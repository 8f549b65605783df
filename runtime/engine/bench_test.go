package engine

import (
	"fmt"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// BenchmarkTLS measures accesses in %fs under each strategy: the load that compilers
// emit, the store, and an operand that only the general way of rewriting covers. Each
// of 8 accesses is followed by one instruction that needs its result.
func BenchmarkTLS(b *testing.B) {
	for _, v := range []struct{ name, access string }{
		{"load", "64 48 8b 04 25 00 00 00 00 48 01 c1"},  // movq %fs:0, %rax; addq %rax, %rcx
		{"store", "64 48 89 0c 25 00 00 00 00 48 ff c1"}, // movq %rcx, %fs:0; incq %rcx
		{"operand", "64 48 03 4e 08 48 ff c1"},           // addq %fs:8(%rsi), %rcx; incq %rcx
	} {
		for _, tls := range strategies() {
			b.Run(v.name+"/"+tls.Name(), func(b *testing.B) {
				g := newGuestTLS(b, tls)
				code := strings.Repeat(v.access+"\n", 8) + "48 ff cb"
				n := len(strings.Fields(code))
				g.put(g.code, fmt.Sprintf("%s 0f 85 %02x ff ff ff 0f 0b", code, byte(-(n+6))))
				f := g.run(g.code, func(ht *host.Thread) {
					ht.Block().Regs[decode.RBX] = uint64(b.N+7) / 8
					b.ResetTimer()
				})
				b.StopTimer()
				if f == nil || f.RIP != g.code+uint64(n+6) {
					b.Fatalf("%+v", f)
				}
			})
		}
	}
}

// BenchmarkRoundTrip leaves translated code and comes back: through the vDSO,
// where a C call's state survives, and by the raw instruction, where all does; under
// each strategy.
// The call itself does nothing: there is no clock 0.
func BenchmarkRoundTrip(b *testing.B) {
	for _, v := range []struct{ name, code string }{
		{"vdso", `
			4c 89 e0     ; movq %r12, %rax
			ff d0        ; callq *%rax
			48 ff cb     ; decq %rbx
			75 f6        ; jne
			0f 0b        ; ud2`},
		{"syscall", `
			44 89 e8     ; movl %r13d, %eax
			0f 05        ; syscall
			48 ff cb     ; decq %rbx
			75 f6        ; jne
			0f 0b        ; ud2`},
	} {
		for _, tls := range strategies() {
			b.Run(v.name+"/"+tls.Name(), func(b *testing.B) { benchmarkRoundTrip(b, newGuestTLS(b, tls), v.code) })
		}
		b.Run(v.name+"/home", func(b *testing.B) {
			g := newGuest(b)
			if !g.engine.Home(&oneFunction{g.code, g.code + 12}) {
				b.Skip("this host has no home tier")
			}
			benchmarkRoundTrip(b, g, v.code)
		})
	}
}

func benchmarkRoundTrip(b *testing.B, g *guest, code string) {
	g.put(g.code, code)
	f := g.run(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RBX] = uint64(b.N)
		r[decode.R12] = g.vdso + 16*uint64(slotOf(abi.CallClockResGet))
		r[decode.R13] = uint64(abi.CallClockResGet.Info().Num2016)
		b.ResetTimer()
	})
	b.StopTimer()
	if f == nil || f.RIP != g.code+10 {
		b.Fatalf("%+v", f)
	}
}

// BenchmarkClock reads the monotonic clock through the vDSO: by the stub that needs no Go, by
// the ordinary way, and for comparison in Go alone.
func BenchmarkClock(b *testing.B) {
	for _, v := range []struct {
		name    string
		without rewrite.Without
	}{{"stub", 0}, {"switch", rewrite.WithoutClock}} {
		for _, tls := range strategies() {
			b.Run(v.name+"/"+tls.Name(), func(b *testing.B) {
				g := newGuestTLS(b, tls)
				g.engine.Without(v.without)
				g.put(g.code, `
					4c 89 e0        ; movq %r12, %rax
					bf 01 00 00 00  ; movl $1, %edi
					31 f6           ; xorl %esi, %esi
					4c 89 ea        ; movq %r13, %rdx
					ff d0           ; callq *%rax
					48 ff cb        ; decq %rbx
					75 ec           ; jne
					0f 0b           ; ud2`)
				f := g.run(g.code, func(ht *host.Thread) {
					r := &ht.Block().Regs
					r[decode.RBX], r[decode.R13] = uint64(b.N), g.data
					r[decode.R12] = g.vdso + 16*uint64(slotOf(abi.CallClockTimeGet))
					b.ResetTimer()
				})
				b.StopTimer()
				if f == nil || f.RIP != g.code+20 {
					b.Fatalf("%+v", f)
				}
			})
		}
	}
	b.Run("go", func(b *testing.B) {
		for range b.N {
			host.Monotonic()
		}
	})
}

func slotOf(call abi.Call) int {
	for i, c := range abi.Calls2020() {
		if c == call {
			return i
		}
	}
	panic("no slot for the call")
}
