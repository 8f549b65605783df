package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// maxSubscriptions bounds one poll; more are EINVAL.
const maxSubscriptions = 1 << 14

// poll is the state of a thread's poll call. It outlives an interruption by a
// kick: the arguments are read once, relative timeouts start once, and a thread
// that waits for a lock keeps its place.
type poll struct {
	active bool
	futex  bool   // waits for a lock or a condition variable
	out    uint64 // guest address of the events
	store  [2]subscription
	subs   []subscription
	fds    []host.PollFD // what subs wait for, by their at
	copies copies
	files  bool // some of subs wait for regular files to grow
	small  int  // calls in a row that needed little of the room there is
}

// A subscription is one element of poll's input, read and checked.
type subscription struct {
	abi.Subscription
	err   abi.Errno // found at the start: an event at once
	until deadline  // clock
	obj   *object   // of the descriptor, while the thread waits for it
	at    int32     // of obj among poll.fds; -1 for a file at its end
	want  int16     // the host's events that trigger it
}

func (s *subscription) event(e abi.Errno) abi.Event {
	ev := abi.Event{Userdata: s.Userdata, Error: e, Type: s.Type}
	switch s.Type {
	case abi.EventtypeClock:
		ev.Ident = uint64(s.Clock.Identifier)
	case abi.EventtypeCondvar:
		ev.Ident = s.Condvar.Condvar
	case abi.EventtypeLockRdlock, abi.EventtypeLockWrlock:
		ev.Ident = s.Lock.Lock
	case abi.EventtypeFDRead, abi.EventtypeFDWrite:
		ev.FD = s.FDReadwrite.FD
	case abi.EventtypeProcTerminate:
		ev.FD = s.ProcTerminate.FD
	}
	return ev
}

func pollCall(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	p := &t.poll
	if !p.active {
		if e := t.pollBegin(a[0], a[1], a[2]); e != 0 {
			return 0, 0, e
		}
	}
	var n int
	if p.futex {
		n, e = t.pollLock()
	} else {
		n, e = t.pollEvents()
	}
	if e == errRestart {
		return 0, 0, e
	}
	p.finish()
	return uint64(n), 0, e
}

// pollBegin reads the subscriptions.
func (t *Thread) pollBegin(in, out, n uint64) abi.Errno {
	p := &t.poll
	if n > maxSubscriptions {
		return abi.EINVAL
	}
	if n != 0 {
		if err := t.proc.mem.Check(out, n*abi.EventSize, true); err != nil {
			return toErrno(err)
		}
	}
	p.out = out
	if e := t.pollRead(in, int(n)); e != 0 {
		return e
	}
	p.active = true
	p.futex = p.forLock()
	return 0
}

// forLock tells whether the subscriptions have the one form in which locks and
// condition variables can be waited for: first, and alone or with a clock.
func (p *poll) forLock() bool {
	if len(p.subs) == 0 || len(p.subs) > 2 || len(p.subs) == 2 && p.subs[1].Type != abi.EventtypeClock {
		return false
	}
	switch p.subs[0].Type {
	case abi.EventtypeCondvar, abi.EventtypeLockRdlock, abi.EventtypeLockWrlock:
		return true
	}
	return false
}

// finish ends the call, or abandons one whose thread ends in it.
func (p *poll) finish() {
	p.active = false
	p.trim()
}

// pollLock waits for a lock or a condition variable.
func (t *Thread) pollLock() (n int, e abi.Errno) {
	p, w := &t.poll, &t.wait
	s := &p.subs[0]
	until := never
	if len(p.subs) == 2 {
		if p.subs[1].err != 0 {
			return 1, t.putOne(p.subs[1].event(p.subs[1].err))
		}
		until = p.subs[1].until
	}
	if w.state.Load() == waitIdle {
		done, e := t.pollLockBegin(s)
		if done || e != 0 {
			return 1, t.putOne(s.event(e))
		}
	}
	timedOut, e := t.await(until)
	switch {
	case e == errRestart:
		return 0, e
	case timedOut:
		return 1, t.putOne(p.subs[1].event(0))
	}
	return 1, t.putOne(s.event(e))
}

// pollLockBegin makes the first attempt: it acquires the lock, or leaves the
// thread queued.
func (t *Thread) pollLockBegin(s *subscription) (done bool, e abi.Errno) {
	w := &t.wait
	w.expired, w.condvar = false, 0
	if s.Type == abi.EventtypeCondvar {
		c := &s.Condvar
		if !validScope(c.CondvarScope) || !validScope(c.LockScope) {
			return false, abi.EINVAL
		}
		w.lock, w.condvar, w.write = c.Lock, c.Condvar, true
		w.lockShared = c.LockScope == abi.ScopeShared
		return false, t.beginCondvar(c.CondvarScope == abi.ScopeShared)
	}
	if !validScope(s.Lock.Scope) {
		return false, abi.EINVAL
	}
	w.lock, w.write = s.Lock.Lock, s.Type == abi.EventtypeLockWrlock
	w.lockShared = s.Lock.Scope == abi.ScopeShared
	return t.beginLock()
}
