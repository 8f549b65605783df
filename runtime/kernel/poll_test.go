package kernel

import (
	"os"
	"runtime"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// polls makes a poll call for any subscriptions and returns the events.
func (f *fixture) polls(th *Thread, subs ...abi.Subscription) ([]abi.Event, abi.Errno) {
	f.Helper()
	b := make([]byte, len(subs)*abi.SubscriptionSize)
	for i := range subs {
		subs[i].Encode(b[i*abi.SubscriptionSize:])
	}
	hi := f.hi
	defer func() { f.hi = hi }()
	in, out, n := f.bytes(b), f.alloc(uint64(len(subs))*abi.EventSize), f.alloc(8)
	o := call(th, abi.CallPoll, in, out, uint64(len(subs)), n)
	if o.Action != ActionContinue {
		f.Errorf("poll: action %d", o.Action)
	}
	if o.Errno != 0 {
		return nil, o.Errno
	}
	evs := make([]abi.Event, f.get64(n))
	for i := range evs {
		evs[i].Decode(f.get(out+uint64(i)*abi.EventSize, abi.EventSize))
	}
	return evs, 0
}

func subClock(user abi.Userdata, id abi.Clockid, at int64, abs bool) abi.Subscription {
	s := abi.Subscription{Userdata: user, Type: abi.EventtypeClock, Clock: abi.SubClock{ClockID: id, Timeout: abi.Timestamp(at)}}
	if abs {
		s.Clock.Flags = abi.SubscriptionClockAbstime
	}
	return s
}

func subFD(user abi.Userdata, typ abi.Eventtype, fd abi.FD) abi.Subscription {
	return abi.Subscription{Userdata: user, Type: typ, FDReadwrite: abi.SubFDReadwrite{FD: fd}}
}

func TestSleep(t *testing.T) {
	f := newFixture(t)
	const ms = int64(time.Millisecond)
	f.run(func(th *Thread) {
		mono, real := host.Monotonic(), host.Realtime()
		cpu, err := host.Now(host.ClockProcessCPU)
		if err != nil {
			t.Error(err)
		}
		tests := []struct {
			name     string
			sub      abi.Subscription
			min, max int64
			e        abi.Errno
		}{
			{"relative, monotonic", subClock(1, abi.ClockMonotonic, 15*ms, false), 15 * ms, 2000 * ms, 0},
			{"relative, realtime", subClock(1, abi.ClockRealtime, 15*ms, false), 15 * ms, 2000 * ms, 0},
			{"absolute, monotonic", subClock(1, abi.ClockMonotonic, mono+60*ms, true), 0, 2000 * ms, 0},
			{"absolute, realtime", subClock(1, abi.ClockRealtime, real+90*ms, true), 0, 2000 * ms, 0},
			{"past", subClock(1, abi.ClockMonotonic, 1, true), 0, 1000 * ms, 0},
			{"zero", subClock(1, abi.ClockRealtime, 0, false), 0, 1000 * ms, 0},
			{"process CPU time, past", subClock(1, abi.ClockProcessCputimeID, cpu, true), 0, 1000 * ms, 0},
			{"thread CPU time", subClock(1, abi.ClockThreadCputimeID, 1, false), 0, 1000 * ms, abi.ENOTSUP},
			{"no such clock", subClock(1, 9, 1, false), 0, 1000 * ms, abi.EINVAL},
		}
		for _, tt := range tests {
			begin := host.Monotonic()
			evs, e := f.polls(th, tt.sub)
			took := host.Monotonic() - begin
			if e != 0 || len(evs) != 1 || evs[0].Userdata != 1 || evs[0].Type != abi.EventtypeClock || evs[0].Error != tt.e {
				t.Errorf("%s: %+v, %v", tt.name, evs, e)
			}
			if took < tt.min || took > tt.max {
				t.Errorf("%s: took %v", tt.name, time.Duration(took))
			}
		}
		if now := host.Monotonic(); now < mono+60*ms {
			t.Error("the absolute sleeps ended early")
		}
	})
}

// Every clock, relative and absolute, beside a descriptor that is never ready: none
// ends early, and what has not come is not reported.
func TestPollClocks(t *testing.T) {
	r, _ := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	const wait = int64(4 * time.Millisecond)
	clocks := map[abi.Clockid]host.Clock{
		abi.ClockMonotonic: host.ClockMonotonic, abi.ClockRealtime: host.ClockRealtime,
		abi.ClockProcessCputimeID: host.ClockProcessCPU,
	}
	stop := make(chan bool)
	go func() { // the process's CPU time goes on
		for {
			select {
			case <-stop:
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	defer close(stop)
	f.run(func(th *Thread) {
		for id, clock := range clocks {
			for _, abs := range []bool{false, true} {
				now := func() int64 {
					ns, err := host.Now(clock)
					if err != nil {
						t.Error(err)
					}
					return ns
				}
				begin := now()
				at := wait
				if abs {
					at += begin
				}
				c := subClock(2, id, at, abs)
				c.Clock.Identifier = 77
				evs, e := f.polls(th, subFD(1, abi.EventtypeFDRead, 0), c, subClock(3, abi.ClockMonotonic, -1, abs),
					subClock(4, abi.ClockRealtime, 1<<62, true))
				want := abi.Event{Userdata: 2, Type: abi.EventtypeClock, Ident: 77}
				if e != 0 || len(evs) != 1 || evs[0] != want {
					t.Errorf("%v, absolute %v: %+v, %v", id, abs, evs, e)
				}
				// A relative time of the realtime clock is measured with the other one.
				if took := now() - begin; took < wait && (abs || id != abi.ClockRealtime) {
					t.Errorf("%v, absolute %v: %d ns early", id, abs, wait-took)
				}
			}
		}
		for name, s := range map[string]abi.Subscription{
			"thread time, absolute": subClock(2, abi.ClockThreadCputimeID, 1, true),
			"thread time":           subClock(2, abi.ClockThreadCputimeID, 1, false),
		} {
			evs, e := f.polls(th, subFD(1, abi.EventtypeFDRead, 0), s)
			if e != 0 || len(evs) != 1 || evs[0] != (abi.Event{Userdata: 2, Type: abi.EventtypeClock, Error: abi.ENOTSUP}) {
				t.Errorf("%s: %+v, %v", name, evs, e)
			}
		}
	})
}

// A wait for a time of the realtime clock looks at the clock now and then: somebody
// may have set it.
func TestDeadlineLeft(t *testing.T) {
	const hour = int64(time.Hour)
	for _, tt := range []struct {
		d        deadline
		min, max int64
	}{
		{never, -1, -1},
		{deadline{host.ClockMonotonic, 0}, 0, 0},
		{deadline{host.ClockMonotonic, host.Monotonic() + hour}, hour / 2, hour},
		{deadline{host.ClockRealtime, host.Realtime() + hour}, clockSet, clockSet},
		{deadline{host.ClockRealtime, host.Realtime() - hour}, 0, 0},
		{deadline{host.ClockProcessCPU, hour}, cpuPoll, hour / int64(runtime.NumCPU())},
	} {
		if got := tt.d.left(); got < tt.min || got > tt.max {
			t.Errorf("%+v: %d, want %d to %d", tt.d, got, tt.min, tt.max)
		}
	}
}

// A process's CPU time passes while another of its threads computes.
func TestSleepCPUTime(t *testing.T) {
	f := newFixture(t)
	done := f.spawn(func(th *Thread) {
		evs, e := f.polls(th, subClock(1, abi.ClockProcessCputimeID, int64(20*time.Millisecond), false))
		if e != 0 || len(evs) != 1 || evs[0].Error != 0 {
			t.Errorf("%+v, %v", evs, e)
		}
	})
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default: // burn CPU time
			runtime.Gosched()
		}
	}
}

func TestPollDescriptors(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)},
		Grant{HostFD: openFile(t, os.O_RDWR)}, Grant{HostFD: openFile(t, os.O_RDWR), Drop: abi.RightPollFDReadwrite})
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	f.run(func(th *Thread) {
		same := func(name string, evs []abi.Event, e abi.Errno, want ...abi.Event) {
			t.Helper()
			if e != 0 || len(evs) != len(want) {
				t.Errorf("%s: %+v, %v", name, evs, e)
				return
			}
			for i := range want {
				if evs[i] != want[i] {
					t.Errorf("%s: event %d is %+v, want %+v", name, i, evs[i], want[i])
				}
			}
		}
		evs, e := f.polls(th, subFD(1, rd, 0), subClock(2, abi.ClockMonotonic, 3e6, false))
		same("nothing to read", evs, e, abi.Event{Userdata: 2, Type: abi.EventtypeClock})
		evs, e = f.polls(th, subFD(1, rd, 0), subFD(2, wr, 1))
		same("room to write", evs, e, abi.Event{Userdata: 2, Type: wr, FD: 1})
		if _, err := w.WriteString("abc"); err != nil {
			t.Error(err)
		}
		evs, e = f.polls(th, subFD(1, rd, 0), subFD(2, wr, 1), subClock(3, abi.ClockMonotonic, 1e12, false))
		same("both", evs, e, abi.Event{Userdata: 1, Type: rd, Nbytes: 3}, abi.Event{Userdata: 2, Type: wr, FD: 1})
		evs, e = f.polls(th, subFD(1, rd, 2), subFD(2, wr, 2))
		same("file", evs, e, abi.Event{Userdata: 1, Type: rd, FD: 2, Nbytes: 10}, abi.Event{Userdata: 2, Type: wr, FD: 2})
		evs, e = f.polls(th, subFD(1, rd, 3), subFD(2, rd, 77), subFD(3, wr, 0), subFD(4, rd, 1),
			abi.Subscription{Userdata: 5, Type: abi.EventtypeProcTerminate}, abi.Subscription{Userdata: 6, Type: 99},
			abi.Subscription{Userdata: 7, Type: abi.EventtypeLockWrlock})
		same("errors", evs, e,
			abi.Event{Userdata: 1, Type: rd, FD: 3, Error: abi.ENOTCAPABLE},
			abi.Event{Userdata: 2, Type: rd, FD: 77, Error: abi.EBADF},
			abi.Event{Userdata: 3, Type: wr, Error: abi.ENOTCAPABLE},
			abi.Event{Userdata: 4, Type: rd, FD: 1, Error: abi.ENOTCAPABLE},
			abi.Event{Userdata: 5, Type: abi.EventtypeProcTerminate, Error: abi.ENOTCAPABLE},
			abi.Event{Userdata: 6, Type: 99, Error: abi.ENOSYS},
			abi.Event{Userdata: 7, Type: abi.EventtypeLockWrlock, Error: abi.ENOSYS})
		// More subscriptions than fit the thread's own room.
		many := make([]abi.Subscription, 40)
		for i := range many {
			many[i] = subFD(abi.Userdata(i), wr, 1)
		}
		if evs, e = f.polls(th, many...); e != 0 || len(evs) != 40 || evs[39].Userdata != 39 {
			t.Errorf("40 subscriptions: %d events, %v", len(evs), e)
		}
		f.expect(th, abi.EINVAL, abi.CallPoll, f.page, f.page, maxSubscriptions+1, f.alloc(8))
		f.expect(th, abi.EFAULT, abi.CallPoll, badAddr, f.page, 1, f.alloc(8))
		f.expect(th, abi.EFAULT, abi.CallPoll, f.page, badAddr, 1, f.alloc(8))
	})
	r.Close()
	f.run(func(th *Thread) {
		f.expect(th, 0, abi.CallFDClose, 0)
		evs, e := f.polls(th, subFD(1, wr, 1))
		if e != 0 || len(evs) != 1 || evs[0].Error != abi.EPIPE {
			t.Errorf("writer without reader: %+v, %v", evs, e)
		}
	})
}

func TestPollHangup(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	if _, err := w.WriteString("xy"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	f.run(func(th *Thread) {
		evs, e := f.polls(th, subFD(1, abi.EventtypeFDRead, 0))
		want := abi.Event{Userdata: 1, Type: abi.EventtypeFDRead, Nbytes: 2, Flags: abi.EventFDReadwriteHangup}
		if e != 0 || len(evs) != 1 || evs[0] != want {
			t.Errorf("%+v, %v, want %+v", evs, e, want)
		}
	})
}

// A relative timeout does not start over when kicks interrupt the call.
func TestKickedTimeout(t *testing.T) {
	r, _ := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	started := make(chan *Thread, 1)
	done := f.spawn(func(th *Thread) {
		started <- th
		begin := time.Now()
		for _, subs := range [][]abi.Subscription{
			{subFD(1, abi.EventtypeFDRead, 0), subClock(2, abi.ClockRealtime, 60e6, false)},
			{subClock(2, abi.ClockMonotonic, 60e6, false)},
		} {
			evs, e := f.polls(th, subs...)
			if e != 0 || len(evs) != 1 || evs[0].Userdata != 2 {
				t.Errorf("%+v, %v", evs, e)
			}
		}
		if d := time.Since(begin); d < 120*time.Millisecond || d > 3*time.Second {
			t.Errorf("two timeouts of 60 ms took %v", d)
		}
	})
	th := <-started
	for {
		select {
		case <-done:
			if got := f.p.Counts()[abi.CallPoll]; got != 2 {
				t.Errorf("counted %d calls, want 2", got)
			}
			return
		case <-time.After(5 * time.Millisecond):
			th.Host.Kick()
		}
	}
}
