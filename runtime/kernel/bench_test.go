package kernel

import (
	"fmt"
	"os"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// BenchmarkCall is the cost of a system call in this package alone: without the
// way from translated code and back.
func BenchmarkCall(b *testing.B) {
	f := newFixture(b, Grant{HostFD: openPath(b, "/dev/null", 2)}, Grant{HostFD: openFile(b, os.O_RDWR)})
	n, l := f.alloc(8), f.alloc(4)
	one := f.iov(abi.Iovec{Buf: f.alloc(64), Len: 64})
	wr := abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: abi.ScopePrivate}}
	g := newGuestLib(f, nil)
	for _, bm := range []struct {
		name string
		call func()
	}{
		{"clock_time_get", func() { g.call(abi.CallClockTimeGet, uint64(abi.ClockMonotonic), 0, n) }},
		{"fd_write", func() { g.call(abi.CallFDWrite, 0, one, 1, n) }},
		{"fd_pread", func() { g.call(abi.CallFDPread, 1, one, 1, 0, n) }},
		{"fd_pwrite", func() { g.call(abi.CallFDPwrite, 1, one, 1, 0, n) }},
		{"lock and unlock", func() { g.poll(wr, -1); g.kernelUnlock(l) }},
		{"thread_yield", func() { g.call(abi.CallThreadYield) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f.run(func(th *Thread) {
				g.th = th
				b.ReportAllocs()
				for b.Loop() {
					bm.call()
				}
			})
		})
	}
}

// BenchmarkLock is one write lock and unlock the way the C library makes them,
// with so many threads after one lock, and the given number of iterations of a
// loop of loads inside and outside of it. ns/op is time per lock, of all threads
// together.
func BenchmarkLock(b *testing.B) {
	for _, scope := range []abi.Scope{abi.ScopePrivate, abi.ScopeShared} {
		for _, work := range []int{0, 100} {
			for _, threads := range []int{1, 2, 4, 8, 32} {
				b.Run(fmt.Sprintf("scope=%v/work=%d/threads=%d", scope, work, threads), func(b *testing.B) {
					benchmarkLock(b, scopes{scope, scope}, threads, work)
				})
			}
		}
	}
}

func benchmarkLock(b *testing.B, s scopes, threads, work int) {
	f := newFixture(b)
	l := f.alloc(4)
	begin := make(chan bool)
	var dones []chan struct{}
	for range threads {
		g := &guestLib{t: b, scopes: s}
		buf := f.pages(1)
		g.sub, g.evs, g.n = buf, buf+512, buf+1024
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			<-begin
			for range b.N/threads + 1 {
				g.lock(l, true, -1)
				spin(l, work)
				g.unlock(l)
				spin(l, work)
			}
		}))
	}
	b.ResetTimer()
	close(begin)
	for _, d := range dones {
		<-d
	}
	b.StopTimer()
	if w, _ := host.Load32(l); w != 0 {
		b.Errorf("at the end the lock word is %#x", w)
	}
	c := f.p.Counts()
	b.ReportMetric(float64(c[abi.CallPoll]+c[abi.CallLockUnlock])/float64(b.N), "calls/op")
}

func spin(l uint64, work int) {
	for range work {
		_, _ = host.Load32(l)
	}
}

// BenchmarkPingPong is one turn of two threads that wake each other through two
// condition variables.
func BenchmarkPingPong(b *testing.B) {
	for _, scope := range []abi.Scope{abi.ScopePrivate, abi.ScopeShared} {
		b.Run(fmt.Sprintf("scope=%v", scope), func(b *testing.B) { benchmarkPingPong(b, scopes{scope, scope}) })
	}
}

func benchmarkPingPong(b *testing.B, s scopes) {
	f := newFixture(b)
	f.scopes = s
	l := f.alloc(4)
	cv := [2]uint64{f.alloc(4), f.alloc(4)}
	turn := 0 // protected by l
	var dones []chan struct{}
	for me := range 2 {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			for range b.N {
				g.lock(l, true, -1)
				for turn != me {
					g.wait(cv[me], l, -1)
				}
				turn = 1 - me
				g.signal(cv[1-me], 1)
				g.unlock(l)
			}
		}))
	}
	for _, d := range dones {
		<-d
	}
}

// BenchmarkStream is a write and a read over a pair of local stream sockets, whose
// reads look out for descriptors, and over a pipe, whose reads need not.
func BenchmarkStream(b *testing.B) {
	for _, size := range []uint64{64, 4096, 65536} {
		for _, typ := range []abi.Filetype{abi.FiletypeFifo, abi.FiletypeSocketStream} {
			b.Run(fmt.Sprintf("%v/%d", typ, size), func(b *testing.B) {
				f := newFixture(b)
				buf := f.pages(16)
				f.run(func(th *Thread) {
					var pair = [8]uint64{uint64(typ)}
					rd, wr, _ := th.CallRaw(5, &pair)
					v := f.iov(abi.Iovec{Buf: buf, Len: size})
					read, write := [8]uint64{rd, v, 1}, [8]uint64{wr, v, 1}
					b.SetBytes(int64(size))
					for b.Loop() {
						th.CallRaw(16, &write)
						th.CallRaw(10, &read)
					}
				})
			})
		}
	}
}
