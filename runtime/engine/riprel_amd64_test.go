//go:build linux || windows

package engine

import (
	"encoding/binary"
	"fmt"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestFarRIPRelative has operands that lie below address 0 as seen from the guest's
// text, and more than 2 GiB away from the code cache.
func TestFarRIPRelative(t *testing.T) {
	const below = host.CacheLo - 1<<31 - 0x5000 // in reach of guest text, not of the cache
	for _, o := range []rewrite.Options{{}, {KeepR11: true}, {MovingBase: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			g := newGuest(t)
			g.setOptions(o)
			// run executes op, an instruction without its 4-byte displacement, with an
			// operand at below and the %fs base at the data page minus that.
			run := func(op ...byte) *Fault {
				disp := int64(below) - int64(g.code) - int64(len(op)) - 4
				code := binary.LittleEndian.AppendUint32(op, uint32(disp))
				if int64(int32(disp)) != disp {
					t.Fatalf("the text lies at %#x, too high", g.code)
				}
				g.write(g.code, append(code, 0x0f, 0x0b))
				return g.run(g.code, func(ht *host.Thread) {
					b := ht.Block()
					b.FSBase, b.Regs[decode.R12] = g.data+-below, 0x100
				})
			}
			lea := run(0x4a, 0x8d, 0x05) // an idle REX.X, too
			if lea == nil || lea.Signal != SigILL || int64(lea.Regs[decode.RAX]) != below {
				t.Errorf("lea: %+v, want %#x in rax", lea, uint64(1<<64+below))
			}
			for _, op := range [][]byte{{0x48, 0x8b, 0x05}, {0xff, 0x25}, {0xff, 0x15}, {0x42, 0xff, 0x15}} {
				f := run(op...)
				if f == nil || f.Signal != SigSEGV || f.RIP != g.code || int64(f.Addr) != below || f.Regs[decode.RSP] != g.stack-8 {
					t.Errorf("% x: %+v, want a fault there at %#x", op, f, uint64(1<<64+below))
				}
			}
			if !o.MovingBase {
				return
			}
			if err := g.mem.Store64(g.data, 0x1234_5678_9abc_def0); err != nil {
				t.Fatal(err)
			}
			for _, op := range [][]byte{{0x64, 0x48, 0x8b, 0x05}, {0x64, 0x4a, 0x03, 0x05}} {
				if f := run(op...); f == nil || f.Signal != SigILL || f.Regs[decode.RAX] != 0x1234_5678_9abc_def0 {
					t.Errorf("% x: %+v", op, f)
				}
			}
		})
	}
}
