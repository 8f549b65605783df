//go:build linux || windows

package engine

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// refusedCode is what a process may not do, and a few things that it may. Not here is
// what could do something to this process or to what it runs on: hypercalls, system
// calls, loads of %fs and %gs.
var refusedCode = []string{
	"fa", "fb", "f4", "0f06", "0f08", "0f09", "f30f09", "0f30", "0f32", "0f07", "0f35", "0faa",
	"0f20c0", "0f20c8", "0f20d0", "0f20e8", "440f20c0", "0f22d8", "0f2100", "0f21e0", "0f23c0", "440f2100",
	"0f0110", "0f0118", "0f0138", "0f01f0", "0f0130", "0f00d0", "0f0010", "0f00d8",
	"0f01c0", "0f01c2", "0f01c3", "0f01c4", "0f01c5", "0f01c7", "0f01c8", "0f01c9", "0f01ca", "0f01cb", "0f01cf",
	"0f01d1", "0f01d4", "0f01d7", "0f01d8", "0f01da", "0f01db", "0f01dc", "0f01dd", "0f01de", "0f01df", "0f01f8",
	"0fc718", "0fc728", "0fc730", "f30fc730", "660fc730", "0fc738", "0f78c0", "0f79c0",
	"660f38800e", "660f38810e", "660f38820e", "660f38f500", "0f38f600", "0f37", "f30f38dcc1", "f30f38f800",
	"f30f3af0c000", "c4e77bf6c001020304", "c4e77af8c001020304", "f20f38f8c0", "f30f38f8c0", "8fe97812c0",
	"f30f01ec", "f30f01ee", "f30f01ef", "f30fc7f0", "f20f01ca", "f30f01ca", "f30f01e8", "f30fae30",
	"e410", "e510", "e610", "ec", "ed", "ee", "ef", "6c", "6d", "6e", "6f", "f36c", "f36f", "cd04", "cd20", "cdff",
	"0f0b", "0fff00", "0fb900", "06", "9a", "ea", "d500", "62f47c0801c0", "f00000", "f001c0", "c5f8504000", "0f0fc10f",
	"8ed8", "8ec0", "8ed0", "8ef0", "8ec8", "8e18", "8cd8", "8cd0", "8cc8", "8c18", "0f02c3", "0f03c3", "0f00e0", "0f00e8",
	"0fb203", "ff2b", "48ff2b", "ff1b", "cb", "48cb", "ca1000", "cf", "48cf", "66cf",
	"ff28", "660f01d0", "0f01d0", "0f01d5", "0f01d6", "0f01ee", "0f01ef",
	// 66 before near branches: AMD's CPUs cut the instruction pointer.
	"66c3", "66c21000", "66e80010", "66e90010", "660f840010", "66eb10", "66ffe0", "66ffd0", "66ff23", "66ff13", "66e210",
	"6648c3", "6648ffe0",
}

// noVector is int $4: Windows reports it as a division that overflows, which no translation can.
const noVector = "cd04"

// optional reports instructions of features that a kernel may have enabled on the host
// for itself, as SVM is for virtual machines; a guest has none. And wrpkru, of which the
// translator says that it does not know it.
func optional(text string) bool {
	return text >= "0f01d8" && text <= "0f01df" && len(text) == 6 || text == "0f01ef" || text == noVector && host.FaultsNeedStack
}

// TestRefused compares with the CPU what becomes of instructions that a process may not
// execute, with several values in the registers they take.
func TestRefused(t *testing.T) {
	g := newGuest(t)
	g.setOptions(rewrite.Options{KeepR11: true}) // otherwise r11 is free at the returns
	r := rand.New(rand.NewPCG(5, 5))
	c := newComparer(g, r)
	want := newFinal()
	_, ss := host.Selectors()
	c.onThread(func(ht *host.Thread) {
		for _, text := range refusedCode {
			code, err := hex.DecodeString(text + "0f0b")
			if err != nil {
				t.Error(err)
				return
			}
			c.write(c.code, code)
			copy(c.engine.space.Code()[nativeBase-host.CacheLo:], code)
			for _, rax := range []uint64{0, 3, uint64(ss), 0x1234, 0xfff8} {
				s := c.newStart(r)
				s.regs[decode.RAX] = rax
				s.regs[decode.RCX] = 0x8000_0000 // no such XCR, MSR or counter
				s.regs[decode.RDX] = 0x80
				c.natively(ht, func() { c.runNative(ht, s, nativeBase, want) })
				c.runTranslated(ht, s, c.code, c.got)
				if d := want.differs(c.got); d != "" && !optional(text) {
					t.Errorf("%s, rax %#x: %s", text, rax, d)
				}
			}
		}
	})
}
