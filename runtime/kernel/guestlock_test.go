package kernel

import (
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// guestLib does what the C library does in the guest: the fast paths of locks and
// condition variables on the words themselves, and the kernel when they fail.
type guestLib struct {
	t        testing.TB
	th       *Thread
	sub, evs uint64 // guest memory for two subscriptions and two events
	n        uint64 // and for a count
	a        [8]uint64
	b        [2 * abi.SubscriptionSize]byte
	readers  int
	kicked   int // calls that had to be repeated
	scopes
}

// scopes are those of the locks and condition variables of a test.
type scopes struct{ lock, condvar abi.Scope }

var private = scopes{abi.ScopePrivate, abi.ScopePrivate}

// eachScope runs a test for all combinations.
func eachScope(t *testing.T, test func(t *testing.T, s scopes)) {
	for _, s := range []scopes{
		private, {abi.ScopeShared, abi.ScopeShared},
		{abi.ScopePrivate, abi.ScopeShared}, {abi.ScopeShared, abi.ScopePrivate},
	} {
		t.Run(fmt.Sprintf("lock=%v/condvar=%v", s.lock, s.condvar), func(t *testing.T) { test(t, s) })
	}
}

// eachLockScope runs a test without condition variables for both scopes.
func eachLockScope(t *testing.T, test func(t *testing.T, s scopes)) {
	for _, s := range []scopes{private, {abi.ScopeShared, abi.ScopeShared}} {
		t.Run(fmt.Sprintf("lock=%v", s.lock), func(t *testing.T) { test(t, s) })
	}
}

// handOver tells the race detector what it cannot see, since locks of the guest
// are words in its memory: what happened before an unlock happened before the lock
// that follows it. It orders, and excludes nobody.
var handOver atomic.Uint64

func newGuestLib(f *fixture, th *Thread) *guestLib {
	return &guestLib{t: f, th: th, scopes: f.scopes, sub: f.alloc(2 * abi.SubscriptionSize), evs: f.alloc(2 * abi.EventSize), n: f.alloc(8)}
}

func (g *guestLib) call(c abi.Call, args ...uint64) abi.Errno {
	g.a = [8]uint64{}
	copy(g.a[:], args)
	for {
		o := g.th.CallVDSO(c, &g.a)
		switch o.Action {
		case ActionContinue:
			return o.Errno
		case ActionRestart:
		default:
			g.t.Errorf("%v ended with action %d", c, o.Action)
			goruntime.Goexit()
		}
		g.kicked++
		g.th.Host.ClearKick()
	}
}

// poll makes a poll call for s and, unless timeout is negative, a relative
// timeout; it returns the one event, with the errors of lock operations fatal as
// they are for the C library.
func (g *guestLib) poll(s abi.Subscription, timeout int64) abi.Event {
	s.Encode(g.b[:])
	n := uint64(1)
	if timeout >= 0 {
		n = 2
		c := abi.Subscription{Type: abi.EventtypeClock, Userdata: 99, Clock: abi.SubClock{ClockID: abi.ClockMonotonic, Timeout: abi.Timestamp(timeout)}}
		c.Encode(g.b[abi.SubscriptionSize:])
	}
	if _, err := host.CopyOut(g.sub, g.b[:n*abi.SubscriptionSize]); err != nil {
		g.t.Error(err)
	}
	var ev abi.Event
	if e := g.call(abi.CallPoll, g.sub, g.evs, n, g.n); e != 0 {
		g.t.Errorf("poll: %v", e)
		return ev
	}
	if _, err := host.CopyIn(g.b[:abi.EventSize], g.evs); err != nil {
		g.t.Error(err)
	}
	ev.Decode(g.b[:])
	if got, _ := host.Load64(g.n); got != 1 {
		g.t.Errorf("poll: %d events", got)
	}
	return ev
}

func (g *guestLib) load(addr uint64) uint32 {
	v, err := host.Load32(addr)
	if err != nil {
		g.t.Error(err)
	}
	return v
}

func (g *guestLib) cas(addr uint64, old, val uint32) bool {
	prev, err := host.CompareAndSwap32(addr, old, val)
	if err != nil {
		g.t.Error(err)
	}
	return prev == old
}

func (g *guestLib) mine() uint32 { return lockWrlocked | uint32(g.th.Tid) }

// tryWrite and tryRead are the attempts in user space.
func (g *guestLib) tryWrite(l uint64) bool { return g.cas(l, 0, g.mine()) }

func (g *guestLib) tryRead(l uint64) bool {
	for {
		old := g.load(l)
		if old&lockWrlocked != 0 || old&lockKernelManaged != 0 && g.readers == 0 {
			return false
		}
		if g.cas(l, old, old+1) {
			g.readers++
			return true
		}
	}
}

// lock acquires l, or gives up after timeout nanoseconds unless that is negative.
func (g *guestLib) lock(l uint64, write bool, timeout int64) bool {
	defer handOver.Load()
	typ := abi.EventtypeLockRdlock
	if write {
		typ = abi.EventtypeLockWrlock
		if g.tryWrite(l) {
			return true
		}
	} else if g.tryRead(l) {
		return true
	}
	ev := g.poll(abi.Subscription{Type: typ, Lock: abi.SubLock{Lock: l, Scope: g.scopes.lock}}, timeout)
	if ev.Error != 0 || ev.Type != typ && (ev.Type != abi.EventtypeClock || timeout < 0) {
		g.t.Errorf("lock: %+v, word %#x", ev, g.load(l))
	}
	if ev.Type != typ {
		return false
	}
	if !write {
		g.readers++
	}
	return true
}

func (g *guestLib) unlock(l uint64) {
	handOver.Add(1)
	old := g.load(l)
	if old&lockWrlocked != 0 {
		if old&^lockKernelManaged != g.mine() {
			g.t.Errorf("lock word %#x, but thread %d thinks it owns it", old, g.th.Tid)
		}
		if old&lockKernelManaged != 0 || !g.cas(l, old, 0) {
			g.kernelUnlock(l)
		}
		return
	}
	for ; ; old = g.load(l) {
		switch {
		case old&lockCount == 0:
			g.t.Errorf("lock word %#x, but thread %d has it for reading", old, g.th.Tid)
			return
		case old == 1|lockKernelManaged:
			if g.cas(l, old, g.mine()|lockKernelManaged) {
				g.readers--
				g.kernelUnlock(l)
				return
			}
		case g.cas(l, old, old-1):
			g.readers--
			return
		}
	}
}

func (g *guestLib) kernelUnlock(l uint64) {
	if e := g.call(abi.CallLockUnlock, l, uint64(g.scopes.lock)); e != 0 {
		g.t.Errorf("lock_unlock: %v, word %#x", e, g.load(l))
	}
}

// wait waits for a condition variable; false when the time is up first.
func (g *guestLib) wait(cv, l uint64, timeout int64) bool {
	handOver.Add(1)
	defer handOver.Load()
	ev := g.poll(abi.Subscription{Type: abi.EventtypeCondvar, Condvar: abi.SubCondvar{
		Condvar: cv, Lock: l, CondvarScope: g.condvar, LockScope: g.scopes.lock}}, timeout)
	if ev.Error != 0 || ev.Type != abi.EventtypeCondvar && (ev.Type != abi.EventtypeClock || timeout < 0) {
		g.t.Errorf("wait: %+v", ev)
	}
	if w := g.load(l); w&^lockKernelManaged != g.mine() {
		g.t.Errorf("after a wait the lock word is %#x, thread %d", w, g.th.Tid)
	}
	return ev.Type == abi.EventtypeCondvar
}

func (g *guestLib) signal(cv uint64, n uint32) {
	if g.load(cv) == condvarNoWaiters {
		return
	}
	if e := g.call(abi.CallCondvarSignal, cv, uint64(g.condvar), uint64(n)); e != 0 {
		g.t.Errorf("condvar_signal: %v", e)
	}
}

// kicker kicks all threads of the process now and then until stop is set, as the
// engine does when code is invalidated.
func (f *fixture) kicker(stop *atomic.Bool) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			f.p.Threads(func(t *Thread) { t.Host.Kick() })
			host.Now(host.ClockRealtime)
			sleepABit()
		}
	}()
	return done
}
