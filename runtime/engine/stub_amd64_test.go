//go:build linux || windows

package engine

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// stubCode goes through every stub with state that a careless one would lose: a
// rounding mode, an x87 register, the direction flag, an upper half of YMM.
const stubCode = `
			48 89 fb                      ;   0 movq %rdi, %rbx
			d9 e8                         ;   3 fld1
			c7 03 80 5f 00 00             ;   5 movl $24448, (%rbx) # imm = 0x5F80
			0f ae 13                      ;   b ldmxcsr (%rbx)
			bf 01 00 00 00                ;   e movl $1, %edi
			31 f6                         ;  13 xorl %esi, %esi
			48 8d 53 08                   ;  15 leaq 8(%rbx), %rdx
			41 bc 11 11 00 00             ;  19 movl $4369, %r12d # imm = 0x1111
			ff d0                         ;  1f callq *%rax
			0f ae 5b 04                   ;  21 stmxcsr 4(%rbx)
			44 8b 6b 04                   ;  25 movl 4(%rbx), %r13d
			df 7b 40                      ;  29 fistpll 64(%rbx)
			4c 8b 73 40                   ;  2c movq 64(%rbx), %r14
			66 49 0f 6e cc                ;  30 movq %r12, %xmm1
			c4 62 7d 59 f9                ;  35 vpbroadcastq %xmm1, %ymm15
			41 bb 22 22 00 00             ;  3a movl $8738, %r11d # imm = 0x2222
			b9 33 33 00 00                ;  40 movl $13107, %ecx # imm = 0x3333
			68 d5 0c 00 00                ;  45 pushq $3285 # imm = 0xCD5
			9d                            ;  4a popfq
			9c                            ;  4b pushfq
			5d                            ;  4c popq %rbp
			c4 63 7d 39 fa 01             ;  4d vextracti128 $1, %ymm15, %xmm2
			66 49 0f 7e d7                ;  53 movq %xmm2, %r15
			f9                            ;  58 stc
			e9 a2 00 00 00                ;  59 jmp 0x100 <far>`

const stubFar = `
			9c                            ; 100 pushfq
			5e                            ; 101 popq %rsi
			fc                            ; 102 cld
			0f 0b                         ; 103 ud2`

// TestKickInStubs holds a thread at every instruction of every stub in turn, by a
// jump to itself put in its place, kicks it there, and lets it go. Whether it is
// there yet when the kick comes is up to the scheduler; the outcome must not be.
func TestKickInStubs(t *testing.T) { eachTLS(t, testKickInStubs) }

func testKickInStubs(t *testing.T, tls rewrite.TLS) {
	if !cpu.X86.HasAVX2 {
		t.Skip("the guest code of this test needs AVX2")
	}
	g := newGuestTLS(t, tls)
	g.put(g.code, stubCode)
	g.put(g.code+0x100, stubFar)
	g.put(g.vdso+7, "c3") // where a kick may find the thread behind the stub that reads clocks
	s := g.engine.stubs
	code := g.engine.space.Code()
	lo, hi := s.ExitLo-host.CacheLo, s.EnterHi-host.CacheLo
	want := g.runStubs(nil)
	if want == nil || want.RIP != g.code+0x103 || want.Regs[decode.R13] != 0x5f80 || want.Regs[decode.R14] != 1 {
		t.Fatalf("without a kick: %+v", want)
	}
	places := 0
	var in decode.Inst
	for off := lo; off < hi; off += uint64(in.Len) {
		if err := in.Decode(code[off:hi+16], off); err != nil {
			t.Fatalf("stub code at %#x: %v", off, err)
		}
		if off%64 == 63 || in.Opcode == 0x1f || in.Opcode == 0x90 {
			continue // two bytes in two cache lines are not changed at once; padding
		}
		places++
		saved := binary.LittleEndian.Uint16(code[off:])
		put := func(v uint16) { storeTwo(&code[off], v) }
		put(0xfeeb) // jmp to itself
		restored := make(chan struct{})
		got := g.runStubs(func(ht *host.Thread) {
			go func() {
				defer close(restored)
				time.Sleep(500 * time.Microsecond)
				ht.Kick()
				time.Sleep(200 * time.Microsecond)
				put(saved)
			}()
		})
		<-restored
		if got == nil || *got != *want {
			t.Errorf("a kick at stub offset %#x: %+v\nwithout: %+v", off, got, want)
		}
	}
	if places < 100 {
		t.Errorf("only %d stub instructions", places)
	}
}

// runStubs runs stubCode; with is called in the thread before it starts.
func (g *guest) runStubs(with func(*host.Thread)) *Fault {
	g.engine.mu.Lock()
	g.engine.flush() // so that the direct jump exits again
	g.engine.mu.Unlock()
	if err := g.mem.CopyOut(g.data, make([]byte, 128)); err != nil {
		g.Fatal(err)
	}
	f := g.run(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RAX], r[decode.RDI] = g.vdso+16*uint64(slotOf(abi.CallClockTimeGet)), g.data
		if with != nil {
			with(ht)
		}
	})
	if f != nil {
		f.Flags &^= 0x10000    // RF
		f.Regs[decode.RDX] = 0 // dead after the call, as are these
		f.Regs[decode.R8], f.Regs[decode.R9], f.Regs[decode.R10] = 0, 0, 0
	}
	return f
}
