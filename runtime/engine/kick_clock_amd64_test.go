//go:build linux || windows

package engine

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestKickInClock holds a thread at each instruction of the stub that reads clocks, as
// TestKickInStubs does, and kicks it there. Behind the call the guest spins, so that a kick which
// the stub does not see to is lost for ever.
func TestKickInClock(t *testing.T) {
	var offs []int
	t.Run("places", func(t *testing.T) { offs = clockPlaces(t) })
	for _, off := range offs {
		t.Run(fmt.Sprintf("%#x", off), func(t *testing.T) { testKickInClock(t, off) })
	}
}

// clockPlaces are the offsets in the stub at which a thread can be held.
func clockPlaces(t *testing.T) (offs []int) {
	g := newGuest(t)
	clock := g.engine.stubs.Clock
	if clock.Entry == 0 {
		t.Skip("there is no such stub: the host has no such functions")
	}
	stub := g.engine.space.Code()[clock.Entry-host.CacheLo : clock.Redo-host.CacheLo]
	var in decode.Inst
	for off := 0; off < len(stub); off += int(in.Len) {
		if err := in.Decode(stub[off:], clock.Entry+uint64(off)); err != nil {
			t.Fatal(err)
		}
		if in.PC%64 != 63 { // two bytes in two cache lines are not changed at once
			offs = append(offs, off)
		}
	}
	if len(offs) < 40 {
		t.Errorf("only %d instructions", len(offs))
	}
	return offs
}

func testKickInClock(t *testing.T, off int) {
	g := newGuest(t)
	g.put(g.code, `
		ff d0   ; callq *%rax
		eb fe   ; jmp`)
	g.put(g.vdso+7, "c3") // where a kick may find the thread
	at := g.engine.space.Code()[g.engine.stubs.Clock.Entry-host.CacheLo+uint64(off):]
	saved := binary.LittleEndian.Uint16(at)
	binary.LittleEndian.PutUint16(at, 0xfeeb) // jmp to itself
	seen := make(chan bool)
	f := g.run(g.code, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RAX], r[decode.RDI], r[decode.RDX] = slotAddr(g, abi.CallClockTimeGet), uint64(abi.ClockMonotonic), g.data
		go func() {
			time.Sleep(500 * time.Microsecond)
			ht.Kick()
			time.Sleep(200 * time.Microsecond)
			binary.LittleEndian.PutUint16(at, saved)
			for begin := time.Now(); ht.Kicked() && time.Since(begin) < 10*time.Second; {
				time.Sleep(50 * time.Microsecond)
			}
			lost := ht.Kicked()
			g.kernel.Exit(0)
			seen <- !lost
		}()
	})
	if f != nil {
		t.Errorf("%+v", f)
	}
	if !<-seen {
		t.Error("the kick was lost")
	}
}
