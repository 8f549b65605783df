package kernel

import (
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A wait for a lock of scope shared ends at the time of any clock, not before.
func TestSharedLockClocks(t *testing.T) {
	const timeout = 5_000_000
	for _, tt := range []struct {
		name  string
		clock abi.Clockid
		host  host.Clock
		abs   bool
	}{
		{"monotonic", abi.ClockMonotonic, host.ClockMonotonic, false},
		{"monotonic, absolute", abi.ClockMonotonic, host.ClockMonotonic, true},
		{"realtime", abi.ClockRealtime, host.ClockMonotonic, false},
		{"realtime, absolute", abi.ClockRealtime, host.ClockRealtime, true},
		{"CPU time of the process", abi.ClockProcessCputimeID, host.ClockProcessCPU, false},
	} {
		for _, typ := range []abi.Eventtype{abi.EventtypeLockWrlock, abi.EventtypeLockRdlock} {
			t.Run(tt.name+"/"+typ.String(), func(t *testing.T) {
				f := newFixture(t)
				l := f.alloc(4)
				if err := f.mem.Store32(l, lockWrlocked|lockCount); err != nil { // nobody's
					t.Fatal(err)
				}
				var stop atomic.Bool
				burnt := make(chan bool)
				go func() { // CPU time passes only if somebody uses it
					for !stop.Load() && tt.host == host.ClockProcessCPU {
					}
					close(burnt)
				}()
				g := newGuestLib(f, nil)
				f.run(func(th *Thread) {
					g.th = th
					begin, err := host.Now(tt.host)
					if err != nil {
						t.Error(err)
					}
					c := abi.SubClock{ClockID: tt.clock, Timeout: timeout}
					if tt.abs {
						c.Timeout, c.Flags = abi.Timestamp(begin+timeout), abi.SubscriptionClockAbstime
					}
					ev := g.pollPair(abi.Subscription{Type: typ, Lock: abi.SubLock{Lock: l, Scope: abi.ScopeShared}},
						abi.Subscription{Type: abi.EventtypeClock, Clock: c})
					end, _ := host.Now(tt.host)
					if ev.Type != abi.EventtypeClock || ev.Error != 0 || end-begin < timeout {
						t.Errorf("%+v after %v", ev, time.Duration(end-begin))
					}
				})
				stop.Store(true)
				<-burnt
			})
		}
	}
}

// pollPair polls for two subscriptions and returns the first event.
func (g *guestLib) pollPair(s, c abi.Subscription) (ev abi.Event) {
	s.Encode(g.b[:])
	c.Encode(g.b[abi.SubscriptionSize:])
	if err := g.th.proc.mem.CopyOut(g.sub, g.b[:2*abi.SubscriptionSize]); err != nil {
		g.t.Error(err)
	}
	if e := g.call(abi.CallPoll, g.sub, g.evs, 2, g.n); e != 0 {
		g.t.Errorf("poll: %v", e)
	}
	if err := g.th.proc.mem.CopyIn(g.b[:abi.EventSize], g.evs); err != nil {
		g.t.Error(err)
	}
	ev.Decode(g.b[:])
	return ev
}

// A reader gets the lock among writers who never leave it alone, and a writer among
// such readers.
func TestSharedLockIsForAll(t *testing.T) {
	for _, write := range []bool{false, true} {
		f := newFixture(t)
		f.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
		l := f.alloc(4)
		var stop atomic.Bool
		var others []chan struct{}
		for range 3 {
			g := newGuestLib(f, nil)
			others = append(others, f.spawn(func(th *Thread) {
				g.th = th
				for !stop.Load() {
					g.lock(l, !write, -1)
					for range 300 {
						g.load(l)
					}
					g.unlock(l)
				}
			}))
		}
		g := newGuestLib(f, nil)
		f.within(f.spawn(func(th *Thread) {
			g.th = th
			for range 50 {
				g.lock(l, write, -1)
				g.unlock(l)
			}
		}), "the one among the others")
		stop.Store(true)
		for _, d := range others {
			f.within(d, "another")
		}
		if w := g.load(l); w != 0 {
			t.Errorf("at the end the word is %#x", w)
		}
	}
}

// A word that cannot be written is no condition variable: the signal fails, and ends.
func TestSharedSignalReadOnly(t *testing.T) {
	f := newFixture(t)
	page := f.pages(1)
	if err := f.mem.Store32(page, 5); err != nil {
		t.Fatal(err)
	}
	if err := f.mem.Protect(page, abi.PageSize, abi.ProtRead); err != nil {
		t.Fatal(err)
	}
	done := f.spawn(func(th *Thread) {
		for _, n := range []uint64{1, 0xffffffff} {
			f.expect(th, abi.EFAULT, abi.CallCondvarSignal, page, uint64(abi.ScopeShared), n)
		}
	})
	f.within(done, "a signal")
}
