package kernel

import (
	"fmt"
	"os"
	"testing"
	"time"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

// A guestQueue makes poll_fd calls the way a program of 2016 does.
type guestQueue struct {
	f            *fixture
	th           *Thread
	fd           uint64
	in, out, tmo uint64
}

func newGuestQueue(f *fixture, th *Thread) *guestQueue {
	page := f.pages(1)
	q := &guestQueue{f: f, th: th, in: page, out: page + 2048, tmo: page + 4000}
	r0, _, o := rawCall(th, abi.CallFDCreate1, uint64(abi.FiletypePoll))
	if o != (Outcome{}) {
		f.Errorf("fd_create1: %+v", o)
	}
	q.fd = r0
	return q
}

// rawCall is call, by number.
func rawCall(th *Thread, c abi.Call, args ...uint64) (r0, r1 uint64, o Outcome) {
	var a [8]uint64
	copy(a[:], args)
	for {
		r0, r1, o = th.CallRaw(uint64(c.Info().Num2016), &a)
		if o.Action != ActionRestart {
			return r0, r1, o
		}
		th.Host.ClearKick()
	}
}

// poll makes changes and waits for up to max events; a negative timeout is none.
func (q *guestQueue) poll(max uint64, timeout int64, changes ...abi.Subscription) ([]abi.Event, abi.Errno) {
	q.f.Helper()
	put := func(addr uint64, s abi.Subscription) {
		b := make([]byte, abi.SubscriptionSize)
		s.Encode(b)
		if err := q.f.mem.CopyOut(addr, b); err != nil {
			q.f.Error(err)
		}
	}
	for i, s := range changes {
		put(q.in+uint64(i)*abi.SubscriptionSize, s)
	}
	tmo := uint64(0)
	if timeout >= 0 {
		tmo = q.tmo
		put(tmo, subClock(0, abi.ClockMonotonic, timeout, false))
	}
	n, r1, o := rawCall(q.th, abi.CallPollFD, q.fd, q.in, uint64(len(changes)), q.out, max, tmo)
	if o != (Outcome{Errno: o.Errno}) || r1 != 0 {
		q.f.Errorf("poll_fd: %+v, second result %d", o, r1)
	}
	if o.Errno != 0 {
		return nil, o.Errno
	}
	evs := make([]abi.Event, n)
	for i := range evs {
		evs[i].Decode(q.f.get(q.out+uint64(i)*abi.EventSize, abi.EventSize))
	}
	return evs, 0
}

func (q *guestQueue) expect(what string, evs []abi.Event, e, want abi.Errno, events ...abi.Event) {
	q.f.Helper()
	if e != want || len(evs) != len(events) {
		q.f.Errorf("%s: %+v, %v, want %+v, %v", what, evs, e, events, want)
		return
	}
	for i := range events {
		if evs[i] != events[i] {
			q.f.Errorf("%s: event %d is %+v, want %+v", what, i, evs[i], events[i])
		}
	}
}

func change(flags abi.Subflags, s abi.Subscription) abi.Subscription {
	s.Flags = flags
	return s
}

const (
	add, del, enable, disable = abi.SubscriptionAdd, abi.SubscriptionDelete, abi.SubscriptionEnable, abi.SubscriptionDisable
	oneshot, clearFlag        = abi.SubscriptionOneshot, abi.SubscriptionClear
)

// The arguments of poll_fd, errno by errno.
func TestPollFDErrors(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR), Drop: abi.RightPollModify})
	f.run(func(th *Thread) {
		q := newGuestQueue(f, th)
		restricted := func(drop abi.Rights) uint64 {
			fd, _, _ := rawCall(th, abi.CallFDDup, q.fd)
			b := make([]byte, abi.FdstatSize)
			(&abi.Fdstat{RightsBase: rightsPoll &^ drop}).Encode(b)
			if _, _, o := rawCall(th, abi.CallFDStatPut, fd, f.bytes(b), uint64(abi.FdsflagRights)); o != (Outcome{}) {
				t.Errorf("fd_stat_put: %+v", o)
			}
			return fd
		}
		noModify, noWait := restricted(abi.RightPollModify), restricted(abi.RightPollWait)
		clock := func(s abi.Subscription) uint64 {
			b := make([]byte, abi.SubscriptionSize)
			s.Encode(b)
			return f.bytes(b)
		}
		now := clock(subClock(0, abi.ClockRealtime, 0, false))
		one := clock(change(add, subFD(1, abi.EventtypeFDRead, 0)))
		tests := []struct {
			name string
			args []uint64
			want abi.Errno
		}{
			{"nothing", []uint64{q.fd, 0, 0, 0, 0, 0}, 0},
			{"timeout", []uint64{q.fd, 0, 0, q.out, 1, now}, 0},
			{"past timeout", []uint64{q.fd, 0, 0, q.out, 1, clock(subClock(0, abi.ClockMonotonic, 1, true))}, 0},
			{"no descriptor", []uint64{99, 0, 0, 0, 0, 0}, abi.EBADF},
			{"no queue", []uint64{0, 0, 0, 0, 0, 0}, abi.EBADF},
			{"no queue, nor right", []uint64{0, one, 1, q.out, 1, now}, abi.ENOTCAPABLE},
			{"not to be modified", []uint64{noModify, one, 1, q.out, 1, now}, abi.ENOTCAPABLE},
			{"not to be modified, only waited for", []uint64{noModify, 0, 0, q.out, 1, now}, 0},
			{"not to be waited for", []uint64{noWait, 0, 0, q.out, 1, now}, abi.ENOTCAPABLE},
			{"not to be waited for, only modified", []uint64{noWait, one, 1, 0, 0, 0}, 0},
			{"changes not mapped", []uint64{q.fd, badAddr, 1, q.out, 1, now}, abi.EFAULT},
			{"changes run out of memory", []uint64{q.fd, q.in + 4096 - 56, 2, q.out, 0, now}, abi.EFAULT},
			{"events not mapped", []uint64{q.fd, 0, 0, badAddr, 1, now}, abi.EFAULT},
			{"timeout not mapped", []uint64{q.fd, 0, 0, q.out, 1, badAddr}, abi.EFAULT},
			{"timeout of another type", []uint64{q.fd, 0, 0, q.out, 1, one}, abi.EINVAL},
			{"timeout of no clock", []uint64{q.fd, 0, 0, q.out, 1, clock(subClock(0, 9, 1, false))}, abi.EINVAL},
			{"timeout of thread time", []uint64{q.fd, 0, 0, q.out, 1, clock(subClock(0, abi.ClockThreadCputimeID, 1, false))}, abi.ENOTSUP},
			{"failed change, no room for an event", []uint64{q.fd, clock(change(add, subFD(1, abi.EventtypeFDRead, 99))), 1, 0, 0, 0}, abi.EBADF},
		}
		for _, tt := range tests {
			if tt.name == "changes run out of memory" {
				end := f.pages(2)
				if err := f.mem.Protect(end+abi.PageSize, abi.PageSize, 0); err != nil {
					t.Error(err)
				}
				b := make([]byte, abi.SubscriptionSize)
				s := change(add, subFD(1, abi.EventtypeFDRead, 0))
				s.Encode(b)
				_ = f.mem.CopyOut(end+4096-56, b)
				tt.args[1] = end + 4096 - 56
			}
			if _, _, o := rawCall(th, abi.CallPollFD, tt.args...); o != (Outcome{Errno: tt.want}) {
				t.Errorf("%s: %+v, want %v", tt.name, o, tt.want)
			}
		}
		for _, tt := range []struct {
			name string
			s    abi.Subscription
			want abi.Errno
		}{
			{"no such descriptor", change(add, subFD(9, abi.EventtypeFDWrite, 99)), abi.EBADF},
			{"a queue", change(add, subFD(9, abi.EventtypeFDRead, abi.FD(q.fd))), abi.ENOTCAPABLE},
			{"delete what is not there", change(del, subFD(9, abi.EventtypeFDWrite, 0)), abi.ENOENT},
			{"enable what is not there", change(enable, subFD(9, abi.EventtypeFDWrite, 0)), abi.ENOENT},
			{"neither", change(0, subFD(9, abi.EventtypeFDWrite, 0)), abi.ENOENT},
			{"process, but a device", change(add, subFD(9, abi.EventtypeProcTerminate, 0)), abi.EINVAL},
			{"lock", change(add, subFD(9, abi.EventtypeLockWrlock, 0)), abi.ENOSYS},
			{"condition variable", change(add, subFD(9, abi.EventtypeCondvar, 0)), abi.ENOSYS},
			{"no such type", change(add, subFD(9, 77, 0)), abi.ENOSYS},
			{"thread time", change(add, subClock(9, abi.ClockThreadCputimeID, 1, false)), abi.ENOTSUP},
			{"process time", change(add, subClock(9, abi.ClockProcessCputimeID, 1, false)), abi.ENOTSUP},
			{"no such clock", change(add, subClock(9, 9, 1, false)), abi.EINVAL},
			{"delete a clock that is not there", change(del, subClock(9, 1, 1, false)), abi.ENOENT},
		} {
			evs, e := q.poll(4, -1, tt.s)
			want := (&subscription{Subscription: tt.s}).event(tt.want)
			q.expect(tt.name, evs, e, 0, want)
		}
		// It can be looked at, and is not one to read from.
		st := f.alloc(abi.FdstatSize)
		if _, _, o := rawCall(th, abi.CallFDStatGet, q.fd, st); o != (Outcome{}) {
			t.Error(o)
		}
		var s abi.Fdstat
		s.Decode(f.get(st, abi.FdstatSize))
		if s.Filetype != abi.FiletypePoll || s.RightsBase != rightsPoll || s.RightsInheriting != 0 {
			t.Errorf("fd_stat_get: %+v", s)
		}
		f.expect(th, 0, abi.CallFileStatFget, q.fd, f.alloc(abi.FilestatSize))
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDRead, q.fd, 0, 0, f.alloc(8))
	})
}

// The life of subscriptions for a pipe.
func TestPollFDPipe(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)})
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	write := func(s string) {
		if _, err := w.WriteString(s); err != nil {
			t.Error(err)
		}
	}
	drain := func() {
		if _, err := unix.Read(blocking(r), make([]byte, 4096)); err != nil {
			t.Error(err)
		}
	}
	f.run(func(th *Thread) {
		q := newGuestQueue(f, th)
		step := func(what string, changes []abi.Subscription, want ...abi.Event) {
			t.Helper()
			evs, e := q.poll(8, 0, changes...)
			q.expect(what, evs, e, 0, want...)
		}
		do := func(s ...abi.Subscription) []abi.Subscription { return s }
		ready := func(user abi.Userdata, n abi.Filesize) abi.Event {
			return abi.Event{Userdata: user, Type: rd, Nbytes: n}
		}

		step("added", do(change(add, subFD(1, rd, 0))))
		write("abc")
		step("data", nil, ready(1, 3))
		step("still there", nil, ready(1, 3))
		step("disabled", do(change(disable, subFD(2, rd, 0))))
		step("enabled, with the new user data", do(change(enable, subFD(3, rd, 0))), ready(3, 3))
		step("added again: not twice", do(change(add, subFD(4, rd, 0))), ready(4, 3))
		step("the other direction", do(change(add, subFD(5, wr, 1))), ready(4, 3), abi.Event{Userdata: 5, Type: wr, FD: 1})
		step("deleted", do(change(del, subFD(0, wr, 1))), ready(4, 3))
		step("deleted, both flags", do(change(add|del, subFD(0, rd, 0))))
		step("added disabled", do(change(add|disable, subFD(6, rd, 0))))
		step("enable wins", do(change(enable|disable, subFD(6, rd, 0))), ready(6, 3))
		step("deleted", do(change(del, subFD(0, rd, 0))))

		step("oneshot", do(change(add|oneshot, subFD(7, rd, 0))), ready(7, 3))
		step("oneshot is gone", nil)
		if evs, e := q.poll(8, 0, change(enable, subFD(7, rd, 0))); e != 0 || len(evs) != 1 || evs[0].Error != abi.ENOENT {
			t.Errorf("a oneshot subscription that has triggered: %+v, %v", evs, e)
		}

		step("clear", do(change(add|clearFlag, subFD(8, rd, 0))), ready(8, 3))
		step("clear: nothing new", nil)
		write("d")
		step("clear: something new", nil, ready(8, 4))
		step("clear: nothing new again", nil)
		step("clear, enabled anew", do(change(disable, subFD(8, rd, 0)), change(enable, subFD(8, rd, 0))), ready(8, 4))
		step("deleted", do(change(del, subFD(0, rd, 0))))
		drain()
		step("oneshot waits", do(change(add|oneshot, subFD(9, rd, 0))))
		write("e")
		step("oneshot triggers", nil, ready(9, 1))

		// A failed change does not keep the others from being made, and ends the call.
		step("failed change", do(change(add, subFD(10, rd, 0)), change(add, subFD(11, rd, 99)), change(del, subFD(12, wr, 0))),
			abi.Event{Userdata: 11, Type: rd, FD: 99, Error: abi.EBADF}, abi.Event{Userdata: 12, Type: wr, Error: abi.ENOTCAPABLE})
		step("after the failed change", nil, ready(10, 1))
		if evs, e := q.poll(0, 1e15); e != 0 || len(evs) != 0 {
			t.Errorf("no room for events: %+v, %v", evs, e)
		}
		w.Close()
		f.expect(th, 0, abi.CallFDClose, 1)
		hup := ready(10, 1)
		hup.Flags = abi.EventFDReadwriteHangup
		step("hangup", nil, hup)
	})
}

// A subscription goes with its descriptor, not with the object.
func TestPollFDClose(t *testing.T) {
	r, w := pipe(t)
	r2, w2 := pipe(t)
	for _, p := range []*os.File{w, w2} {
		if _, err := p.WriteString("x"); err != nil {
			t.Fatal(err)
		}
	}
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(r2)})
	const rd = abi.EventtypeFDRead
	f.run(func(th *Thread) {
		q := newGuestQueue(f, th)
		dup, _, _ := rawCall(th, abi.CallFDDup, 0)
		evs, e := q.poll(8, 0, change(add, subFD(1, rd, 0)), change(add, subFD(2, rd, abi.FD(dup))), change(add, subFD(3, rd, 1)))
		q.expect("two descriptors of one pipe", evs, e, 0, abi.Event{Userdata: 1, Type: rd, Nbytes: 1},
			abi.Event{Userdata: 2, Type: rd, FD: abi.FD(dup), Nbytes: 1}, abi.Event{Userdata: 3, Type: rd, FD: 1, Nbytes: 1})
		f.expect(th, 0, abi.CallFDClose, 0)
		evs, e = q.poll(8, 0)
		q.expect("one closed", evs, e, 0, abi.Event{Userdata: 2, Type: rd, FD: abi.FD(dup), Nbytes: 1},
			abi.Event{Userdata: 3, Type: rd, FD: 1, Nbytes: 1})
		f.expect(th, 0, abi.CallFDReplace, 1, dup)
		f.expect(th, 0, abi.CallFDReplace, 1, 1)
		evs, e = q.poll(8, 0)
		q.expect("the other replaced", evs, e, 0, abi.Event{Userdata: 3, Type: rd, FD: 1, Nbytes: 1})
		evs, e = q.poll(8, 0, change(del, subFD(1, rd, 0)))
		if e != 0 || len(evs) != 1 || evs[0].Error != abi.EBADF {
			t.Errorf("delete with a closed descriptor: %+v, %v", evs, e)
		}
	})
	// The queue goes away with what it holds.
	f.run(func(th *Thread) {
		obj := f.p.fds.peek(1).obj
		before := obj.refs.Load()
		q := newGuestQueue(f, th)
		if _, e := q.poll(0, 0, change(add, subFD(1, rd, 1))); e != 0 || obj.refs.Load() != before+1 {
			t.Errorf("%v, %d references, then %d", e, before, obj.refs.Load())
		}
		f.expect(th, 0, abi.CallFDClose, q.fd)
		if got := obj.refs.Load(); got != before || len(f.p.fds.queues) != 1 {
			t.Errorf("%d references instead of %d; %d queues", got, before, len(f.p.fds.queues))
		}
	})
}

// Timers: periodic when relative, once when absolute.
func TestPollFDClock(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		q := newGuestQueue(f, th)
		tick := func(s abi.Subscription, id abi.Userdata) abi.Subscription {
			s.Clock.Identifier = id
			return s
		}
		event := abi.Event{Userdata: 1, Type: abi.EventtypeClock, Ident: 5}
		evs, e := q.poll(8, -1, change(add, tick(subClock(1, abi.ClockRealtime, 2e6, false), 5)))
		q.expect("the first time", evs, e, 0, event)
		evs, e = q.poll(8, -1)
		q.expect("the second time", evs, e, 0, event)
		evs, e = q.poll(8, 0, change(disable, tick(subClock(1, 1, 0, false), 5)))
		q.expect("disabled", evs, e, 0)
		evs, e = q.poll(8, -1, change(add, tick(subClock(1, abi.ClockMonotonic, 1, true), 5)))
		q.expect("absolute, in the past", evs, e, 0, event)
		evs, e = q.poll(8, 3e6)
		q.expect("only once", evs, e, 0)
		evs, e = q.poll(8, -1, change(add|oneshot, tick(subClock(1, abi.ClockMonotonic, 0, false), 6)))
		event.Ident = 6
		q.expect("oneshot, at once", evs, e, 0, event)
		evs, e = q.poll(8, 3e6, change(add, tick(subClock(1, abi.ClockMonotonic, -1, false), 7)))
		q.expect("never", evs, e, 0)
		begin := time.Now()
		evs, e = q.poll(8, 20e6)
		if q.expect("timeout", evs, e, 0); time.Since(begin) < 20*time.Millisecond {
			t.Error("the timeout came too early")
		}
	})
}

// Regular files trigger before their end, or always when asked to.
func TestPollFDFile(t *testing.T) {
	file := openFile(t, os.O_RDWR)
	f := newFixture(t, Grant{HostFD: file}, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR)})
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	f.run(func(th *Thread) {
		q := newGuestQueue(f, th)
		evs, e := q.poll(8, -1, change(add, subFD(1, rd, 0)))
		q.expect("at the beginning", evs, e, 0, abi.Event{Userdata: 1, Type: rd, Nbytes: 10})
		if _, err := unix.Seek(file, 10, 0); err != nil {
			t.Error(err)
		}
		evs, e = q.poll(8, 0)
		q.expect("at the end", evs, e, 0)
		pollFlag := change(add, subFD(1, rd, 0))
		pollFlag.FDReadwrite.Flags = abi.SubscriptionFDReadwritePoll
		evs, e = q.poll(8, 0, pollFlag)
		q.expect("at the end, with the flag of poll", evs, e, 0, abi.Event{Userdata: 1, Type: rd})
		evs, e = q.poll(8, 0, change(add|oneshot, subFD(2, wr, 0)), change(del, subFD(1, rd, 0)))
		q.expect("for writing", evs, e, 0, abi.Event{Userdata: 2, Type: wr})
		evs, e = q.poll(8, 0, change(add|clearFlag, subFD(3, rd, 1)))
		q.expect("a device that never blocks", evs, e, 0, abi.Event{Userdata: 3, Type: rd, FD: 1})
		evs, e = q.poll(8, 0, change(add|clearFlag, subFD(4, rd, 0)))
		q.expect("at the end, to be cleared", evs, e, 0)
		go func() {
			time.Sleep(10 * time.Millisecond)
			if _, err := unix.Pwrite(file, []byte("more"), 10); err != nil {
				t.Error(err)
			}
		}()
		evs, e = q.poll(8, -1)
		q.expect("the file has grown", evs, e, 0, abi.Event{Userdata: 4, Type: rd, Nbytes: 4})
		evs, e = q.poll(8, 0)
		q.expect("nothing new", evs, e, 0)
	})
}

// Several threads wait in one queue: each byte that comes is one thread's, and the
// end of the queue wakes all.
func TestPollFDThreads(t *testing.T) {
	const threads, rounds = 4, 200
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	var main *guestQueue
	f.run(func(th *Thread) { main = newGuestQueue(f, th) })
	got := make(chan bool)
	var dones []chan struct{}
	for range threads {
		page := f.pages(1)
		dones = append(dones, f.spawn(func(th *Thread) {
			q := &guestQueue{f: f, th: th, fd: main.fd, in: page, out: page + 2048}
			for {
				evs, e := q.poll(1, -1)
				if e == abi.EBADF {
					return
				}
				if e != 0 || len(evs) != 1 || evs[0].Error != 0 {
					t.Errorf("%+v, %v", evs, e)
					return
				}
				got <- true
			}
		}))
	}
	f.run(func(th *Thread) {
		q := &guestQueue{f: f, th: th, fd: main.fd, in: main.in, out: main.out, tmo: main.tmo}
		for range rounds {
			if _, e := q.poll(0, 0, change(add|oneshot, subFD(1, abi.EventtypeFDRead, 0))); e != 0 {
				t.Error(e)
			}
			if _, err := w.WriteString("x"); err != nil {
				t.Error(err)
			}
			select {
			case <-got:
			case <-time.After(10 * time.Second):
				t.Error("nobody was woken")
				f.p.Exit(1)
				return
			}
			if _, err := unix.Read(blocking(r), make([]byte, 8)); err != nil {
				t.Error(err)
			}
			select {
			case <-got:
				t.Error("two threads got a oneshot event")
			default:
			}
		}
		f.expect(th, 0, abi.CallFDClose, q.fd)
	})
	for _, d := range dones {
		f.within(d, "a thread in the queue")
	}
}

// A kick does not make poll_fd carry out its changes twice.
func TestKickedPollFD(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)})
	threads := make(chan *Thread, 1)
	done := f.spawn(func(th *Thread) {
		q := newGuestQueue(f, th)
		if _, e := q.poll(0, 0, change(add, subFD(1, abi.EventtypeFDWrite, 1))); e != 0 {
			t.Error(e)
		}
		threads <- th
		evs, e := q.poll(2, 50e6, change(del, subFD(1, abi.EventtypeFDWrite, 1)))
		q.expect("deleted, and waited", evs, e, 0)
	})
	th := <-threads
	for {
		select {
		case <-done:
			return
		case <-time.After(3 * time.Millisecond):
			th.Host.Kick()
		}
	}
}

// BenchmarkPollFD is one poll_fd of a queue with so many pipes, of which one is
// readable.
func BenchmarkPollFD(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			f := pipes(b, n)
			f.run(func(th *Thread) {
				q := newGuestQueue(f, th)
				for i := range n {
					if _, e := q.poll(0, -1, change(add, subFD(1, abi.EventtypeFDRead, abi.FD(i)))); e != 0 {
						b.Error(e)
					}
				}
				args := [8]uint64{q.fd, 0, 0, q.out, 8, 0}
				b.ReportAllocs()
				for b.Loop() {
					if r0, _, o := th.CallRaw(57, &args); r0 != 1 || o != (Outcome{}) {
						b.Error(r0, o)
					}
				}
			})
		})
	}
}
