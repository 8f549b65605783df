//go:build linux || windows

package engine

import (
	"encoding/binary"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
)

// TestClocks: the stub that reads clocks answers as the ordinary call does, which it leaves
// to answer what it cannot.
func TestClocks(t *testing.T) { eachTLS(t, testClocks) }

func testClocks(t *testing.T, tls rewrite.TLS) {
	const mono, real = uint64(abi.ClockMonotonic), uint64(abi.ClockRealtime)
	g := newGuestTLS(t, tls)
	if g.engine.stubs.Clock.Entry == 0 {
		t.Skip("there is no such stub: the strategy has none, or the host no such functions")
	}
	g.put(g.code, `
		ff d0   ; callq *%rax
		0f 0b   ; ud2`)
	for _, c := range []struct {
		name     string
		id, addr uint64
		want     abi.Errno
		stub     bool
	}{
		{"monotonic", mono, g.data, 0, true},
		{"realtime", real, g.data + 8, 0, true},
		{"the rest of the register is not the argument's", real | 0xffff_ffff_0000_0000, g.data, 0, true},
		{"CPU time of the process", uint64(abi.ClockProcessCputimeID), g.data, 0, false},
		{"CPU time of the thread", uint64(abi.ClockThreadCputimeID), g.data, 0, false},
		{"no clock 0", 0, g.data, abi.EINVAL, false},
		{"no clock 5", 5, g.data, abi.EINVAL, false},
		{"not aligned", mono, g.data + 4, 0, false},
		{"the end of the page", mono, g.data + host.PageSize - 8, 0, true},
		{"nowhere", mono, 0, abi.EFAULT, false},
		{"not mapped", mono, 0x3000_0000, abi.EFAULT, false},
		{"read only", mono, g.code + 64, abi.EFAULT, false},
		{"beyond guest memory", mono, host.ArenaHi, abi.EFAULT, false},
		{"the code cache", mono, host.CacheLo + 64, abi.EFAULT, false},
		{"a thread block", mono, host.BlockBase + 1<<16, abi.EFAULT, false},
		{"the highest address", mono, ^uint64(7), abi.EFAULT, false},
		{"not canonical", mono, 1 << 62, abi.EFAULT, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := g.kernel.Counts()[abi.CallClockTimeGet]
			exits := g.engine.Stats().Threads.Exits[host.ExitCall]
			lo := readClock(c.id)
			f := g.run(g.code, clockArgs(g, c.id, c.addr))
			if f == nil || f.RIP != g.code+2 || abi.Errno(f.Regs[decode.RAX]) != c.want {
				t.Fatalf("%+v", f)
			}
			if n := g.kernel.Counts()[abi.CallClockTimeGet] - calls; n != 1 {
				t.Errorf("%d calls are counted", n)
			}
			if n := g.engine.Stats().Threads.Exits[host.ExitCall] - exits; (n == 0) != c.stub {
				t.Errorf("%d exits", n)
			}
			var b [8]byte
			if c.want != 0 || lo == 0 {
				return
			}
			if err := g.mem.CopyIn(b[:], c.addr); err != nil {
				t.Fatal(err)
			}
			if at := binary.LittleEndian.Uint64(b[:]); at < lo || at > readClock(c.id) {
				t.Errorf("%d is not the time", at)
			}
		})
	}
}

// readClock reads one of the two clocks that go on everywhere; 0 for others.
func readClock(id uint64) uint64 {
	switch abi.Clockid(id) {
	case abi.ClockMonotonic:
		return uint64(host.Monotonic())
	case abi.ClockRealtime:
		return uint64(host.Realtime())
	}
	return 0
}

// clockArgs prepares a thread that begins with a call of clock_time_get.
func clockArgs(g *guest, id, addr uint64) func(*host.Thread) {
	return func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RAX], r[decode.RDI], r[decode.RDX] = slotAddr(g, abi.CallClockTimeGet), id, addr
	}
}

// TestClocksWatched: whoever watches calls sees those for the clock.
func TestClocksWatched(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, `
		ff d0   ; callq *%rax
		0f 0b   ; ud2`)
	seen := new(callCounter)
	g.kernel.Close()
	var err error
	if g.kernel, err = kernel.NewProcess(kernel.Config{Space: g.mem, Engine: g, Tracer: seen}); err != nil {
		t.Fatal(err)
	}
	if err := g.kernel.Reserve(); err != nil {
		t.Fatal(err)
	}
	if f := g.run(g.code, clockArgs(g, uint64(abi.ClockMonotonic), g.data)); f == nil || f.RIP != g.code+2 {
		t.Fatalf("%+v", f)
	}
	if seen.enter != 1 || seen.exit != 1 || seen.result == 0 {
		t.Errorf("%+v", seen)
	}
}

type callCounter struct {
	enter, exit int
	result      uint64
}

func (c *callCounter) Enter(_ *kernel.Thread, call abi.Call, _ *[8]uint64) {
	if call == abi.CallClockTimeGet {
		c.enter++
	}
}

func (c *callCounter) Exit(_ *kernel.Thread, call abi.Call, _ *[8]uint64, r0, _ uint64, _ kernel.Outcome) {
	if call == abi.CallClockTimeGet {
		c.exit++
		c.result = r0
	}
}

// TestClockStoreFaults: memory that turns out not to be writable, when the stub has read the clock,
// is the ordinary call's to answer. The address space does not know of the change.
func TestClockStoreFaults(t *testing.T) {
	g := newGuest(t)
	clock := g.engine.stubs.Clock
	if clock.Entry == 0 {
		t.Skip("there is no such stub: the host has no such functions")
	}
	g.put(g.code, `
		ff d0   ; callq *%rax
		0f 0b   ; ud2`)
	if err := g.engine.space.Protect(g.data, host.PageSize, host.ProtRead); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.engine.space.Protect(g.data, host.PageSize, host.ProtRead|host.ProtWrite); err != nil {
			t.Error(err)
		}
	}()
	for _, id := range []abi.Clockid{abi.ClockMonotonic, abi.ClockRealtime} {
		exits := g.engine.Stats().Threads.Exits[host.ExitCall]
		f := g.run(g.code, clockArgs(g, uint64(id), g.data))
		if f == nil || f.RIP != g.code+2 || abi.Errno(f.Regs[decode.RAX]) != abi.EFAULT {
			t.Fatalf("%+v", f)
		}
		if n := g.engine.Stats().Threads.Exits[host.ExitCall] - exits; n != 1 {
			t.Errorf("%d ordinary calls", n)
		}
	}
}
