package engine

import (
	"runtime"
	"testing"
	_ "unsafe" // for linkname

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

//go:linkname entersyscall runtime.entersyscall
//go:nosplit
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
//go:nosplit
func exitsyscall()

//go:nosplit
func tellScheduler() {
	entersyscall()
	exitsyscall()
}

// BenchmarkRoundTripParts has the parts of BenchmarkRoundTrip/vdso, the call that does nothing:
// what Go's scheduler takes by itself; what the kernel takes; a call and return that stay in the guest; and
// the round trip without the kernel, so that what is left of that are the stubs and the loop
// around them.
func BenchmarkRoundTripParts(b *testing.B) {
	b.Run("scheduler", func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for range b.N {
			tellScheduler()
		}
	})
	b.Run("kernel", func(b *testing.B) {
		g := newGuest(b)
		g.put(g.code, ud2)
		g.runServed(g.code, nil, func(et *Thread) func() uint64 {
			call, args := et.kernel.Caller(), &et.block.Args
			b.ResetTimer()
			for range b.N {
				call(et.kernel, abi.CallClockResGet, args)
			}
			b.StopTimer()
			return et.server()
		})
	})
	const loop = `
			4c 89 e0     ; movq %r12, %rax
			ff d0        ; callq *%rax
			48 ff cb     ; decq %rbx
			75 f6        ; jne
			0f 0b        ; ud2`
	b.Run("guest", func(b *testing.B) {
		g := newGuest(b)
		g.put(g.code, loop+"\nc3 ; retq")
		g.run(g.code, func(ht *host.Thread) {
			r := &ht.Block().Regs
			r[decode.RBX], r[decode.R12] = uint64(b.N), g.code+12
			b.ResetTimer()
		})
	})
	b.Run("switch", func(b *testing.B) {
		g := newGuest(b)
		g.put(g.code, loop)
		prepare := func(ht *host.Thread) {
			r := &ht.Block().Regs
			r[decode.RBX], r[decode.R12] = uint64(b.N), g.vdso+16*uint64(slotOf(abi.CallClockResGet))
			b.ResetTimer()
		}
		g.runServed(g.code, prepare, func(et *Thread) func() uint64 {
			block, stub, back := et.block, g.engine.stubs.EnterReturn, g.engine.vdsoReturn()
			return func() uint64 {
				if block.Exit != host.ExitCall {
					return et.serve()
				}
				block.Entry = back
				return stub
			}
		})
	})
}
