package kernel

import (
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"

	"golang.org/x/sys/unix"
)

// blockedIn waits until a thread says that it may block in fd, and a little more.
func (f *fixture) blockedIn(th *Thread, fd abi.FD) {
	f.Helper()
	for limit := time.Now().Add(10 * time.Second); !fdSet(th.awaits.Load()).has(fd); {
		if time.Now().After(limit) {
			f.Fatalf("no thread blocks in %d", fd)
		}
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(2 * time.Millisecond)
}

// fullPipe is a pipe that takes no more bytes.
func fullPipe(t *testing.T) (r, w *os.File) {
	r, w = pipe(t)
	fd := blocking(w)
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(fd, make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// A thread that blocks in a descriptor hears of its end.
func TestCloseUnderBlocked(t *testing.T) {
	const n = 7 // never a valid descriptor
	er, _ := pipe(t)
	_, fw := fullPipe(t)
	dr, dw := pipe(t)
	if _, err := dw.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	type result struct {
		errno  abi.Errno
		events []abi.Event
		bytes  string
	}
	read := func(f *fixture, th *Thread) (r result) {
		nread, buf := f.alloc(8), f.alloc(8)
		o := call(th, abi.CallFDRead, 0, f.iov(abi.Iovec{Buf: buf, Len: 8}), 1, nread)
		if r.errno = o.Errno; r.errno == 0 {
			r.bytes = string(f.get(buf, int(f.get64(nread))))
		}
		return r
	}
	write := func(f *fixture, th *Thread) (r result) {
		r.errno = call(th, abi.CallFDWrite, 0, f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8}), 1, f.alloc(8)).Errno
		return r
	}
	poll := func(subs ...abi.Subscription) func(f *fixture, th *Thread) result {
		return func(f *fixture, th *Thread) (r result) {
			r.events, r.errno = f.polls(th, subs...)
			return r
		}
	}
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	tests := []struct {
		name    string
		block   func(f *fixture, th *Thread) result
		fd      *os.File // descriptor 0
		replace bool     // by the pipe that holds "new", else closed
		want    result
	}{
		{"read", read, er, false, result{errno: abi.EBADF}},
		{"read, replaced", read, er, true, result{bytes: "new"}},
		{"write", write, fw, false, result{errno: abi.EBADF}},
		{"write, replaced by what cannot be written", write, fw, true, result{errno: abi.ENOTCAPABLE}},
		{"poll for reading", poll(subFD(1, rd, 0), subClock(2, abi.ClockMonotonic, 1e15, false)), er, false,
			result{events: []abi.Event{{Userdata: 1, Type: rd, Error: abi.EBADF}}}},
		{"poll for writing", poll(subFD(1, wr, 0)), fw, false,
			result{events: []abi.Event{{Userdata: 1, Type: wr, Error: abi.EBADF}}}},
		{"poll, replaced", poll(subFD(1, rd, 0)), er, true,
			result{events: []abi.Event{{Userdata: 1, Type: rd, Nbytes: 3}}}},
		{"poll for others, too", poll(subFD(1, rd, 2), subFD(2, rd, 0), subFD(3, rd, 2)), er, false,
			result{events: []abi.Event{{Userdata: 2, Type: rd, Error: abi.EBADF}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Grant{HostFD: blocking(tt.fd)}, Grant{HostFD: blocking(dr)}, Grant{HostFD: blocking(er)})
			threads := make(chan *Thread, 1)
			var got result
			done := f.spawn(func(th *Thread) {
				threads <- th
				got = tt.block(f, th)
				if th.awaits.Load() != 0 {
					t.Error("the thread still says that it blocks")
				}
			})
			f.blockedIn(<-threads, 0)
			f.run(func(th *Thread) {
				f.expect(th, abi.EBADF, abi.CallFDClose, n)
				if tt.replace {
					f.expect(th, 0, abi.CallFDReplace, 1, 0)
				} else {
					f.expect(th, 0, abi.CallFDClose, 0)
				}
			})
			f.within(done, tt.name)
			if got.errno != tt.want.errno || got.bytes != tt.want.bytes || len(got.events) != len(tt.want.events) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			for i := range min(len(got.events), len(tt.want.events)) {
				if got.events[i] != tt.want.events[i] {
					t.Errorf("event %d: %+v, want %+v", i, got.events[i], tt.want.events[i])
				}
			}
			if n := f.p.fds.waiting.Load(); n != 0 {
				t.Errorf("%d threads count as blocked", n)
			}
			if got.bytes != "" {
				if _, err := dw.WriteString("new"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A close that comes between the look-up and the host call is not missed: the
// reader would sleep for ever.
func TestCloseRacesRead(t *testing.T) {
	const rounds = 2000
	r, _ := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	one, n := f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8}), f.alloc(8)
	var fd, read atomic.Uint64
	begin, ended := make(chan bool), make(chan abi.Errno, 1)
	reader := f.spawn(func(th *Thread) {
		for range rounds {
			<-begin
			read.Add(1)
			ended <- call(th, abi.CallFDRead, fd.Load(), one, 1, n).Errno
		}
	})
	f.run(func(th *Thread) {
		dup := f.alloc(8)
		for i := range rounds {
			f.expect(th, 0, abi.CallFDDup, 0, dup)
			fd.Store(uint64(f.get32(dup)))
			begin <- true
			for read.Load() != uint64(i+1) {
			}
			for range i % 100 {
				host.Monotonic()
			}
			f.expect(th, 0, abi.CallFDClose, fd.Load())
			select {
			case e := <-ended:
				if e != abi.EBADF {
					t.Errorf("round %d: %v", i, e)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("round %d: the reader sleeps on", i)
				f.p.Exit(1)
				return
			}
		}
	})
	f.within(reader, "reader")
}

// Threads that close, replace, duplicate, create, read and poll the same few
// descriptors at once, some of which are polling event queues: every call answers, nothing is lost or released twice, and
// all threads end.
func TestDescriptorStress(t *testing.T) {
	const threads, rounds = 8, 400
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)})
	before := openDescriptors(t)
	var dones []chan struct{}
	for i := range threads {
		page := f.pages(1)
		g := &guestLib{t: t, sub: page, evs: page + 1024, n: page + 2048}
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			stressDescriptors(g, rand.New(rand.NewPCG(uint64(i), 1)), rounds)
		}))
	}
	for _, d := range dones {
		select {
		case <-d:
		case <-time.After(60 * time.Second):
			t.Fatal("a thread is stuck")
		}
	}
	if n := f.p.fds.waiting.Load(); n != 0 {
		t.Errorf("%d threads count as blocked", n)
	}
	f.p.fds.closeAll()
	if after := openDescriptors(t); after != before-2 {
		t.Errorf("%d host descriptors, then %d: the process held 2", before, after)
	}
}

// stressDescriptors makes calls at random for the descriptors 2 to 9.
func stressDescriptors(g *guestLib, rnd *rand.Rand, rounds int) {
	mem := g.th.proc.mem
	iov := g.n + 64
	b := make([]byte, abi.IovecSize)
	(&abi.Iovec{Buf: g.n + 128, Len: 16}).Encode(b)
	if err := mem.CopyOut(iov, b); err != nil {
		g.t.Error(err)
	}
	for range rounds {
		fd := 2 + rnd.Uint64N(8)
		switch rnd.IntN(11) {
		case 0, 1:
			call(g.th, abi.CallFDClose, fd)
		case 2:
			call(g.th, abi.CallFDReplace, 2+rnd.Uint64N(8), fd)
		case 3:
			call(g.th, abi.CallFDDup, fd, g.n)
		case 4:
			call(g.th, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream), g.n, g.n+8)
		case 5:
			call(g.th, abi.CallFDWrite, fd, iov, 1, g.n)
		case 6:
			rawCall(g.th, abi.CallFDCreate1, uint64(abi.FiletypePoll))
		case 7, 8:
			s := subFD(1, abi.EventtypeFDRead+abi.Eventtype(rnd.IntN(2)), abi.FD(2+rnd.Uint64N(8)))
			if rnd.IntN(4) == 0 {
				s = subClock(1, abi.ClockMonotonic, int64(rnd.IntN(100_000)), rnd.IntN(2) == 0)
			}
			s.Flags = abi.Subflags(rnd.IntN(64))
			timeout := subClock(1, abi.ClockRealtime, int64(rnd.IntN(300_000)), false)
			raw := make([]byte, 2*abi.SubscriptionSize)
			s.Encode(raw)
			timeout.Encode(raw[abi.SubscriptionSize:])
			if err := mem.CopyOut(g.sub, raw); err != nil {
				g.t.Error(err)
			}
			rawCall(g.th, abi.CallPollFD, fd, g.sub, 1, g.evs, 4, g.sub+abi.SubscriptionSize)
		default:
			var s [3]abi.Subscription
			s[0] = subFD(1, abi.EventtypeFDRead, abi.FD(fd))
			s[1] = subFD(2, abi.EventtypeFDRead, abi.FD(2+rnd.Uint64N(8)))
			s[2] = subClock(3, abi.ClockMonotonic, int64(rnd.IntN(300_000)), false)
			raw := make([]byte, len(s)*abi.SubscriptionSize)
			for i := range s {
				s[i].Encode(raw[i*abi.SubscriptionSize:])
			}
			if err := mem.CopyOut(g.sub, raw); err != nil {
				g.t.Error(err)
			}
			if o := call(g.th, abi.CallPoll, g.sub, g.evs, uint64(len(s)), g.n); o != (Outcome{}) {
				g.t.Errorf("poll: %+v", o)
			}
		}
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}
