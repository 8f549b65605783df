package kernel

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

// pollArrays is guest memory for a poll of up to max subscriptions.
type pollArrays struct {
	f        *fixture
	sub, evs uint64
	n        uint64
}

func newPollArrays(f *fixture, max uint64) *pollArrays {
	pages := func(n uint64) uint64 { return f.pages((n + abi.PageSize - 1) / abi.PageSize) }
	return &pollArrays{f, pages(max * abi.SubscriptionSize), pages(max * abi.EventSize), f.alloc(8)}
}

func (p *pollArrays) set(i uint64, s abi.Subscription) {
	b := make([]byte, abi.SubscriptionSize)
	s.Encode(b)
	if err := p.f.mem.CopyOut(p.sub+i*abi.SubscriptionSize, b); err != nil {
		p.f.Error(err)
	}
}

func (p *pollArrays) poll(th *Thread, n uint64) abi.Errno {
	return call(th, abi.CallPoll, p.sub, p.evs, n, p.n).Errno
}

func (p *pollArrays) event(i uint64) (ev abi.Event) {
	ev.Decode(p.f.get(p.evs+i*abi.EventSize, abi.EventSize))
	return ev
}

// Ten thousand subscriptions, one of which triggers, and all of which do; and the
// room for them goes when it is no longer needed.
func TestPollMany(t *testing.T) {
	const n = 10_000
	r, w := pipe(t)
	r2, w2 := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)}, Grant{HostFD: blocking(r2)})
	p := newPollArrays(f, n)
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	f.run(func(th *Thread) {
		for i := range uint64(n) {
			p.set(i, subFD(abi.Userdata(i), rd, abi.FD(i%2*2)))
		}
		if _, err := w2.WriteString("x"); err != nil {
			t.Error(err)
		}
		// Even ones wait for the empty pipe, odd ones for the other.
		if e := p.poll(th, n); e != 0 || f.get64(p.n) != n/2 {
			t.Errorf("%v, %d events", e, f.get64(p.n))
		}
		for i := range uint64(n / 2) {
			if ev, want := p.event(i), (abi.Event{Userdata: abi.Userdata(2*i + 1), Type: rd, FD: 2, Nbytes: 1}); ev != want {
				t.Errorf("event %d is %+v, want %+v", i, ev, want)
				break
			}
		}
		if len(th.poll.subs) != n {
			t.Errorf("%d subscriptions", len(th.poll.subs))
		}
		p.set(0, subFD(1, wr, 1))
		for range keepCalls {
			if e := p.poll(th, 1); e != 0 {
				t.Error(e)
			}
		}
		if c := cap(th.poll.subs); c > keepSubs {
			t.Errorf("after %d small calls there is room for %d subscriptions", keepCalls, c)
		}
		// The last page of the array of events cannot be written.
		p.set(0, subFD(1, rd, 2))
		if err := f.mem.Protect(p.evs+78*abi.PageSize, abi.PageSize, abi.ProtRead); err != nil {
			t.Error(err)
		}
		if e := p.poll(th, n); e != abi.EFAULT {
			t.Errorf("events that cannot be stored: %v", e)
		}
	})
	if got := f.p.fds.peek(0).obj.refs.Load(); got != 1 {
		t.Errorf("%d references are left", got)
	}
}

// More subscriptions than the host lets a process have descriptors: the host's
// poll refuses that many.
func TestPollBeyondLimit(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)})
	p := newPollArrays(f, 600)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	lower := old
	lower.Cur = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Error(err)
		}
	}()
	f.run(func(th *Thread) {
		for i := range uint64(600) {
			p.set(i, subFD(abi.Userdata(i), abi.EventtypeFDRead+abi.Eventtype(i%2), abi.FD(i%2)))
		}
		if e := p.poll(th, 600); e != 0 || f.get64(p.n) != 300 {
			t.Errorf("%v, %d events", e, f.get64(p.n))
		}
		if ev := p.event(299); ev != (abi.Event{Userdata: 599, Type: abi.EventtypeFDWrite, FD: 1}) {
			t.Errorf("the last event is %+v", ev)
		}
	})
}

// What each type of descriptor answers to each subscription.
func TestPollTypes(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	master, slave := terminal(t)
	if _, err := master.WriteString("line\n"); err != nil {
		t.Fatal(err)
	}
	pr, pw := pipe(t)
	if _, err := pw.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	hr, hw := pipe(t) // will hang up
	hw.Close()
	gr, gw := pipe(t) // nobody will read
	gr.Close()
	file := openFile(t, os.O_RDWR)
	if _, err := unix.Seek(file, 4, 0); err != nil {
		t.Fatal(err)
	}
	end := openFile(t, os.O_RDONLY)
	if _, err := unix.Seek(end, 100, 0); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, Grant{HostFD: file}, Grant{HostFD: end}, Grant{HostFD: int(dir.Fd())},
		Grant{HostFD: int(slave.Fd())}, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR)},
		Grant{HostFD: blocking(pr)}, Grant{HostFD: blocking(pw)}, Grant{HostFD: blocking(hr)}, Grant{HostFD: blocking(gw)},
		Grant{HostFD: file, Drop: abi.RightPollFDReadwrite})
	const rd, wr, hup = abi.EventtypeFDRead, abi.EventtypeFDWrite, abi.EventFDReadwriteHangup
	f.run(func(th *Thread) {
		out := f.alloc(16)
		f.expect(th, 0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory), out) // 10
		f.expect(th, 0, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream), out, out+8)
		f.expect(th, 0, abi.CallFDCreate2, uint64(abi.FiletypeSocketDgram), out, out+8)
		f.expect(th, 0, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream), out, out+8)
		f.expect(th, 0, abi.CallFDWrite, 12, f.iov(abi.Iovec{Buf: out, Len: 7}), 1, out)
		f.expect(th, 0, abi.CallFDWrite, 14, f.iov(abi.Iovec{Buf: out, Len: 5}), 1, out)
		f.expect(th, 0, abi.CallFDWrite, 16, f.iov(abi.Iovec{Buf: out, Len: 2}), 1, out)
		f.expect(th, 0, abi.CallFDClose, 16)
		tests := []struct {
			name string
			typ  abi.Eventtype
			fd   abi.FD
			want abi.Event // without what the subscription has, too
			none bool
		}{
			{name: "file", typ: rd, want: abi.Event{Nbytes: 6}},
			{name: "file", typ: wr},
			{name: "file, behind its end", typ: rd, fd: 1},
			{name: "file for reading", typ: wr, fd: 1, want: abi.Event{Error: abi.ENOTCAPABLE}},
			{name: "directory", typ: rd, fd: 2, want: abi.Event{Error: abi.ENOTCAPABLE}},
			{name: "terminal", typ: rd, fd: 3, want: abi.Event{Nbytes: 5}},
			{name: "terminal", typ: wr, fd: 3},
			{name: "device", typ: rd, fd: 4},
			{name: "device", typ: wr, fd: 4},
			{name: "pipe", typ: rd, fd: 5, want: abi.Event{Nbytes: 3}},
			{name: "pipe's other end", typ: wr, fd: 6},
			{name: "pipe, other end closed", typ: rd, fd: 7, want: abi.Event{Flags: hup}},
			{name: "pipe, nobody to read", typ: wr, fd: 8, want: abi.Event{Error: abi.EPIPE}},
			{name: "no right", typ: rd, fd: 9, want: abi.Event{Error: abi.ENOTCAPABLE}},
			{name: "shared memory", typ: rd, fd: 10, want: abi.Event{Error: abi.ENOTCAPABLE}},
			{name: "socket", typ: rd, fd: 11, want: abi.Event{Nbytes: 7}},
			{name: "socket", typ: wr, fd: 11},
			{name: "socket, nothing came", typ: rd, fd: 12, none: true},
			{name: "datagram", typ: rd, fd: 13, want: abi.Event{Nbytes: 5}},
			{name: "datagram", typ: wr, fd: 13},
			{name: "socket, closed by the peer", typ: rd, fd: 15, want: abi.Event{Nbytes: 2, Flags: hup}},
			{name: "socket, closed by the peer", typ: wr, fd: 15, want: abi.Event{Flags: hup}},
			{name: "none", typ: rd, fd: 99, want: abi.Event{Error: abi.EBADF}},
			{name: "none", typ: wr, fd: 1 << 31, want: abi.Event{Error: abi.EBADF}},
			{name: "process, none", typ: abi.EventtypeProcTerminate, fd: 99, want: abi.Event{Error: abi.EBADF}},
			{name: "process, but a file", typ: abi.EventtypeProcTerminate, want: abi.Event{Error: abi.ENOTCAPABLE}},
			{name: "process, but a device", typ: abi.EventtypeProcTerminate, fd: 4, want: abi.Event{Error: abi.EINVAL}},
			{name: "lock with others", typ: abi.EventtypeLockRdlock, want: abi.Event{Error: abi.ENOSYS}},
			{name: "condition variable with others", typ: abi.EventtypeCondvar, want: abi.Event{Error: abi.ENOSYS}},
			{name: "no such type", typ: 0, want: abi.Event{Error: abi.ENOSYS}},
			{name: "no such type", typ: 8, want: abi.Event{Error: abi.ENOSYS}},
		}
		for _, tt := range tests {
			s := subFD(7, tt.typ, tt.fd)
			s.ProcTerminate.FD = tt.fd
			tick := subClock(8, abi.ClockMonotonic, 0, true)
			evs, e := f.polls(th, tick, s, tick)
			name := fmt.Sprintf("%s, %v", tt.name, tt.typ)
			if tt.none {
				if e != 0 || len(evs) != 2 {
					t.Errorf("%s: %+v, %v", name, evs, e)
				}
				continue
			}
			want := tt.want
			want.Userdata, want.Type = 7, tt.typ
			if tt.typ == rd || tt.typ == wr || tt.typ == abi.EventtypeProcTerminate {
				want.FD = tt.fd
			}
			if e != 0 || len(evs) != 3 || evs[1] != want {
				t.Errorf("%s: %+v, %v, want %+v", name, evs, e, want)
			}
		}
	})
}

// At the end of a regular file, a raw poll waits unless it has the flag of poll; one
// through the vDSO does not.
func TestPollEndOfFile(t *testing.T) {
	file := openFile(t, os.O_RDWR)
	f := newFixture(t, Grant{HostFD: file})
	if _, err := unix.Seek(file, 10, 0); err != nil {
		t.Fatal(err)
	}
	p := newPollArrays(f, 2)
	const rd = abi.EventtypeFDRead
	f.run(func(th *Thread) {
		raw := func(want ...abi.Event) {
			t.Helper()
			n, _, o := rawCall(th, abi.CallPoll, p.sub, p.evs, 2)
			if o != (Outcome{}) || n != uint64(len(want)) {
				t.Errorf("%+v, %d events, want %d", o, n, len(want))
				return
			}
			for i := range want {
				if got := p.event(uint64(i)); got != want[i] {
					t.Errorf("event %d is %+v, want %+v", i, got, want[i])
				}
			}
		}
		p.set(0, subFD(1, rd, 0))
		p.set(1, subClock(2, abi.ClockMonotonic, 0, false))
		tick := abi.Event{Userdata: 2, Type: abi.EventtypeClock}
		raw(tick)
		if e := p.poll(th, 2); e != 0 || f.get64(p.n) != 2 || p.event(0) != (abi.Event{Userdata: 1, Type: rd}) {
			t.Errorf("vDSO: %v, %d events", e, f.get64(p.n))
		}
		s := subFD(1, rd, 0)
		s.FDReadwrite.Flags = abi.SubscriptionFDReadwritePoll
		p.set(0, s)
		raw(abi.Event{Userdata: 1, Type: rd}, tick)
		p.set(0, subFD(1, rd, 0))
		p.set(1, subClock(2, abi.ClockMonotonic, 1<<60, false))
		go func() {
			time.Sleep(5 * time.Millisecond)
			if _, err := unix.Pwrite(file, []byte("xyz"), 10); err != nil {
				t.Error(err)
			}
		}()
		raw(abi.Event{Userdata: 1, Type: rd, Nbytes: 3})
	})
}

// terminal is a pair of terminal ends.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the host gives no terminal: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	fd := blocking(m)
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	s, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the host gives no terminal: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return m, s
}

// BenchmarkPoll is one poll of so many pipes, of which one is readable, beside
// the host's own.
func BenchmarkPoll(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmarkPoll(b, n, false) })
		b.Run(fmt.Sprintf("n=%d/host", n), func(b *testing.B) { benchmarkPoll(b, n, true) })
	}
}

// pipes is a process whose descriptors 0 to n-1 are pipes, of which the last is
// readable.
func pipes(b *testing.B, n int) *fixture {
	b.Helper()
	empty, _ := pipe(b)
	r, w := pipe(b)
	if _, err := w.WriteString("x"); err != nil {
		b.Fatal(err)
	}
	grants := make([]Grant, n)
	for i := range grants {
		grants[i].HostFD = blocking(empty)
	}
	grants[n-1].HostFD = blocking(r)
	return newFixture(b, grants...)
}

func benchmarkPoll(b *testing.B, n int, native bool) {
	f := pipes(b, n)
	p := newPollArrays(f, uint64(n))
	var fds []unix.PollFd
	for i := range n {
		p.set(uint64(i), subFD(0, abi.EventtypeFDRead, abi.FD(i)))
		fds = append(fds, unix.PollFd{Fd: int32(f.p.fds.peek(abi.FD(i)).obj.fd), Events: unix.POLLIN})
	}
	f.run(func(th *Thread) {
		b.ReportAllocs()
		for b.Loop() {
			if native {
				if k, err := unix.Ppoll(fds, nil, nil); k != 1 || err != nil {
					b.Error(k, err)
				}
			} else if e := p.poll(th, uint64(n)); e != 0 || f.get64(p.n) != 1 {
				b.Error(e)
			}
		}
	})
	runtime.KeepAlive(fds)
	b.ReportMetric(float64(b.Elapsed())/float64(time.Nanosecond)/float64(b.N)/float64(n), "ns/fd")
}
