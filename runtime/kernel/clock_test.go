package kernel

import (
	"os"
	"runtime"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func TestClocks(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		out := f.alloc(8)
		read := func(id abi.Clockid) int64 {
			t.Helper()
			f.expect(th, 0, abi.CallClockTimeGet, uint64(id)|0xffff_ffff_0000_0000, 0, out)
			return int64(f.get64(out))
		}
		for id := abi.ClockMonotonic; id <= abi.ClockThreadCputimeID; id++ {
			f.expect(th, 0, abi.CallClockResGet, uint64(id), out)
			if res := f.get64(out); res == 0 || res > uint64(time.Second) {
				t.Errorf("%v: resolution %d ns", id, res)
			}
			a := [8]uint64{uint64(id)}
			before := read(id)
			r0, r1, o := th.CallRaw(1, &a)
			if after := read(id); o != (Outcome{}) || r1 != 0 || before > int64(r0) || int64(r0) > after {
				t.Errorf("%v: %d, raw %d, %d (%+v)", id, before, r0, after, o)
			}
		}
		guest := read(abi.ClockRealtime)
		step := time.Duration(0) // by which Go's clock may be behind the system's
		if runtime.GOOS == "windows" {
			step = 16 * time.Millisecond
		}
		if d := time.Duration(time.Now().UnixNano() - guest); d < -step || d > time.Second {
			t.Errorf("the realtime clock is %v late", d)
		}
		for _, id := range []uint64{0, 5, 0xffff_ffff} {
			f.expect(th, abi.EINVAL, abi.CallClockTimeGet, id, 0, out)
			f.expect(th, abi.EINVAL, abi.CallClockResGet, id, out)
		}
		// Sleeping takes no CPU time of the thread, computing does.
		begin := read(abi.ClockThreadCputimeID)
		time.Sleep(20 * time.Millisecond)
		if d := read(abi.ClockThreadCputimeID) - begin; d > int64(10*time.Millisecond) {
			t.Errorf("sleeping 20 ms took %v of CPU time", time.Duration(d))
		}
		for limit := host.Monotonic() + 10e9; read(abi.ClockThreadCputimeID)-begin < int64(10*time.Millisecond); {
			if host.Monotonic() > limit {
				t.Error("computing for 10 s took no 10 ms of CPU time")
				break
			}
		}
	})
}

func TestRandom(t *testing.T) {
	f := newFixture(t)
	buf := f.pages(20)
	f.run(func(th *Thread) {
		f.expect(th, 0, abi.CallRandomGet, buf, 20*abi.PageSize)
		seen := map[string]bool{}
		for off := uint64(0); off < 20*abi.PageSize; off += 16 {
			seen[string(f.get(buf+off, 16))] = true
		}
		if len(seen) != 20*abi.PageSize/16 {
			t.Error("random bytes repeat")
		}
		f.expect(th, 0, abi.CallRandomGet, buf, 0)
		f.expect(th, abi.EFAULT, abi.CallRandomGet, badAddr, 1)
		f.expect(th, abi.EFAULT, abi.CallRandomGet, buf, ^uint64(0))
	})
}

// The frequent calls allocate nothing.
func TestNoAllocation(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("calls of Windows, through package syscall, allocate their arguments")
	}
	f := newFixture(t, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR)})
	f.run(func(th *Thread) {
		g := newGuestLib(f, th)
		n, l := f.alloc(8), f.alloc(8)
		one := f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8})
		two := f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8}, abi.Iovec{Buf: f.alloc(8), Len: 8})
		tests := map[string]func(){
			"clock_time_get": func() { g.call(abi.CallClockTimeGet, uint64(abi.ClockMonotonic), 0, n) },
			"realtime":       func() { g.call(abi.CallClockTimeGet, uint64(abi.ClockRealtime), 0, n) },
			"thread clock":   func() { g.call(abi.CallClockTimeGet, uint64(abi.ClockThreadCputimeID), 0, n) },
			"fd_write":       func() { g.call(abi.CallFDWrite, 0, one, 1, n) },
			"fd_write of 2":  func() { g.call(abi.CallFDWrite, 0, two, 2, n) },
			"fd_read":        func() { g.call(abi.CallFDRead, 0, one, 1, n) },
			"fd_seek":        func() { g.call(abi.CallFDSeek, 0, 0, uint64(abi.WhenceCur), n) },
			"lock": func() {
				g.poll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: abi.ScopePrivate}}, -1)
				g.kernelUnlock(l)
			},
			"lock with timeout": func() {
				g.poll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: abi.ScopePrivate}}, 1e9)
				g.kernelUnlock(l)
			},
			"shared lock": func() {
				g.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
				g.poll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: abi.ScopeShared}}, 1e9)
				g.wait(l+4, l, 1)
				g.signal(l+4, 1)
				g.kernelUnlock(l)
				g.scopes = private
			},
			"poll": func() {
				g.poll(abi.Subscription{Type: abi.EventtypeFDRead, FDReadwrite: abi.SubFDReadwrite{FD: 0}}, 1e9)
			},
			"thread_yield": func() { g.call(abi.CallThreadYield) },
			"random_get":   func() { g.call(abi.CallRandomGet, n, 8) },
		}
		for name, fn := range tests {
			if got := testing.AllocsPerRun(100, fn); got != 0 {
				t.Errorf("%s: %v allocations", name, got)
			}
		}
	})
}
