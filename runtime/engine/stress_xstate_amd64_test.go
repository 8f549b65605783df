//go:build linux || windows

package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// An xstate is an XSAVE area (standard format) with something random in every
// component that has room for it and that guests use.
type xstate struct {
	image []byte // 64-byte aligned length
	spans [][2]int
}

// The components: x87, SSE, AVX, opmask, upper halves of ZMM0-15, ZMM16-31. Not
// PKRU, which says what memory may be accessed.
const (
	xstateMask  = 0xe7
	xstateHead  = 512 + 64
	xstateMXCSR = 24 // offset
)

// cpuid executes CPUID in a guest thread, or XGETBV if leaf is xgetbv.
func (g *guest) cpuid(leaf, sub uint64) (eax, ebx, ecx uint64) {
	g.Helper()
	code := "0f a2 0f 0b"
	if leaf == xgetbv {
		code = "0f 01 d0 0f 0b"
	}
	g.put(g.code, code)
	f := g.run(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RAX], r[decode.RCX] = leaf, sub
	})
	if f == nil || f.Signal != SigILL {
		g.Fatalf("cpuid: %+v", f)
	}
	return f.Regs[decode.RAX], f.Regs[decode.RBX], f.Regs[decode.RCX]
}

const xgetbv = 1 << 32

// newXState makes an image from r. It overwrites the guest's code.
func (g *guest) newXState(r *rand.Rand) *xstate {
	g.Helper()
	if _, _, c := g.cpuid(1, 0); c>>27&1 == 0 {
		g.Skip("this test needs a CPU with XSAVE")
	}
	enabled, _, _ := g.cpuid(xgetbv, 0)
	enabled &= xstateMask
	// The legacy area: control words, x87 registers, XMM. FOP, FIP and FDP, at 6 to
	// 23, are saved by some CPUs only after an exception.
	x := &xstate{spans: [][2]int{{0, 5}, {24, 28}, {160, 416}, {512, 520}}}
	end := xstateHead
	for i := 2; i < 8; i++ {
		if enabled>>i&1 == 0 {
			continue
		}
		size, off, _ := g.cpuid(0xd, uint64(i))
		x.spans = append(x.spans, [2]int{int(off), int(off + size)})
		end = max(end, int(off+size))
	}
	x.image = make([]byte, (end+63)&^63)
	for _, s := range x.spans {
		for i := s[0]; i < s[1]; i++ {
			x.image[i] = byte(r.Uint32())
		}
	}
	le := binary.LittleEndian
	le.PutUint16(x.image[0:], 0x0c7f) // all exceptions masked, round to zero
	le.PutUint16(x.image[2:], 0x0700) // no exception; top of the stack is 0, as all are used
	x.image[3] = 0
	x.image[4] = 0xff
	le.PutUint32(x.image[xstateMXCSR:], 0x7f95) // all masked, round to zero, some exceptions seen
	for i := range 8 {
		reg := x.image[32+16*i:]
		le.PutUint64(reg, r.Uint64()|1<<63)
		le.PutUint16(reg[8:], uint16(0x3fff+i))
		x.spans = append(x.spans, [2]int{32 + 16*i, 42 + 16*i})
	}
	le.PutUint64(x.image[512:], enabled)
	return x
}

// only returns x with all components in their initial state but those in the mask. SSE must be in it.
func (x *xstate) only(mask uint64) *xstate {
	r := &xstate{image: slices.Clone(x.image), spans: x.spans}
	le := binary.LittleEndian
	mask &= le.Uint64(r.image[512:])
	if mask&1 == 0 {
		clear(r.image[:xstateMXCSR])
		clear(r.image[32:160])
		le.PutUint16(r.image, 0x37f)
	}
	for i := 2; i < 8; i++ {
		if mask>>i&1 == 0 && le.Uint64(r.image[512:])>>i&1 != 0 {
			lo := host.XStateOffset(i)
			clear(r.image[lo : lo+map[int]int{2: 256, 5: 64, 6: 512, 7: 1024}[i]])
		}
	}
	le.PutUint64(r.image[512:], mask)
	return r
}

// xstateCopy loads the area at rdi and saves it to that at rsi.
const xstateCopy = `
		b8 e7 00 00 00                ;   0 movl $231, %eax
		31 d2                         ;   5 xorl %edx, %edx
		48 0f ae 2f                   ;   7 xrstor64 (%rdi)
		48 0f ae 26                   ;   b xsave64 (%rsi)
		0f 0b                         ;   f ud2`

// differs tells where b, which is an XSAVE area, is not x; "" if nowhere.
func (x *xstate) differs(b []byte) string {
	for _, s := range x.spans {
		for i := s[0]; i < s[1]; i++ {
			if x.image[i] != b[i] {
				return "byte " + strconv.Itoa(i) + " of the XSAVE area"
			}
		}
	}
	return ""
}

func TestXState(t *testing.T) {
	g := newGuest(t)
	x := g.newXState(rand.New(rand.NewPCG(1, 2)))
	if len(x.spans) < 12 {
		t.Errorf("only %d spans", len(x.spans))
	}
	g.put(g.code, xstateCopy)
	if err := g.mem.CopyOut(g.data, x.image); err != nil {
		t.Fatal(err)
	}
	f := g.run(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RDI], r[decode.RSI] = g.data, g.data+4096
	})
	if f == nil || f.RIP != g.code+0xf {
		t.Fatalf("%+v", f)
	}
	got := make([]byte, len(x.image))
	if err := g.mem.CopyIn(got, g.data+4096); err != nil {
		t.Fatal(err)
	}
	if d := x.differs(got); d != "" {
		t.Error(d)
	}
	got[x.spans[4][0]]++
	if x.differs(got) == "" {
		t.Error("a difference is not seen")
	}
}

// TestXStateLeft: what Go leaves in registers that the guest does not use is not the guest's.
func TestXStateLeft(t *testing.T) {
	if !cpu.X86.HasAVX512BW {
		t.Skip("this test needs a CPU with AVX512BW")
	}
	g := newGuest(t)
	g.put(g.code, `
		c4 e1 fb 92 c8   ; kmovq %rax, %k1
		0f 05            ; syscall
		c4 e1 fb 93 d9   ; kmovq %k1, %rbx
		0f 0b            ; ud2`)
	var thread *host.Thread
	f := g.runSeen(g.code, func(ht *host.Thread) {
		thread = ht
		ht.Block().Regs[decode.RAX] = 1000 // no system call has this number
	}, func(b *host.Block) {
		if b.Exit != host.ExitSyscall {
			return
		}
		x := thread.XSave()
		k := x[host.XStateOffset(5)+8:][:8]
		if binary.LittleEndian.Uint64(k) != 1000 {
			t.Errorf("k1 is saved as % x", k)
		}
		clear(k)
		binary.LittleEndian.PutUint64(x[512:], 2)
		b.Restore = 0 // k1 is Go's now
	})
	if f == nil || f.RIP != g.code+12 || f.Regs[decode.RBX] != 0 {
		t.Errorf("%+v", f)
	}
}
