package engine

import (
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// BenchmarkRoundTrip leaves translated code and comes back: through the vDSO,
// where a C call's state survives, and by the raw instruction, where all does.
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
		b.Run(v.name, func(b *testing.B) {
			g := newGuest(b)
			g.put(g.code, v.code)
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
		})
	}
}

func slotOf(call abi.Call) int {
	for i, c := range abi.Calls2020() {
		if c == call {
			return i
		}
	}
	panic("no slot for the call")
}
