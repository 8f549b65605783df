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
	fds    []host.PollFD // one for each of subs
}

// A subscription is one element of poll's input, read and checked.
type subscription struct {
	abi.Subscription
	err   abi.Errno // found at the start: an event at once
	until deadline  // clock
	obj   *object   // fd_read, fd_write
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
	p.subs = p.subs[:0]
	for i := range n {
		b := t.buf[:abi.SubscriptionSize]
		if err := t.proc.mem.CopyIn(b, in+i*abi.SubscriptionSize); err != nil {
			return toErrno(err)
		}
		p.subs = append(p.subs, subscription{})
		s := &p.subs[i]
		s.Decode(b)
		if s.Type == abi.EventtypeClock {
			s.until, s.err = newDeadline(&s.Clock)
		}
	}
	p.active = true
	p.futex = p.forLock()
	if !p.futex {
		t.pollOpen()
	}
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
	if !p.active {
		return
	}
	for i := range p.subs {
		if o := p.subs[i].obj; o != nil {
			o.release()
			p.subs[i].obj = nil
		}
	}
	p.active = false
}

// put writes event i.
func (t *Thread) put(i int, ev abi.Event) abi.Errno {
	ev.Encode(t.buf[:])
	return toErrno(t.proc.mem.CopyOut(t.poll.out+uint64(i)*abi.EventSize, t.buf[:abi.EventSize]))
}

// pollLock waits for a lock or a condition variable.
func (t *Thread) pollLock() (n int, e abi.Errno) {
	p, w := &t.poll, &t.wait
	s := &p.subs[0]
	until := never
	if len(p.subs) == 2 {
		if p.subs[1].err != 0 {
			return 1, t.put(0, p.subs[1].event(p.subs[1].err))
		}
		until = p.subs[1].until
	}
	if w.state.Load() == waitIdle {
		done, e := t.pollLockBegin(s)
		if done || e != 0 {
			return 1, t.put(0, s.event(e))
		}
	}
	timedOut, e := t.await(until)
	switch {
	case e == errRestart:
		return 0, e
	case timedOut:
		return 1, t.put(0, p.subs[1].event(0))
	}
	return 1, t.put(0, s.event(e))
}

// pollLockBegin makes the first attempt: it acquires the lock, or leaves the
// thread queued.
func (t *Thread) pollLockBegin(s *subscription) (done bool, e abi.Errno) {
	w, f := &t.wait, &t.proc.futex
	w.expired, w.condvar = false, 0
	if s.Type == abi.EventtypeCondvar {
		c := &s.Condvar
		if !validScope(c.CondvarScope) || !validScope(c.LockScope) {
			return false, abi.EINVAL
		}
		w.lock, w.condvar, w.write = c.Lock, c.Condvar, true
		return false, f.condvarWait(w)
	}
	if !validScope(s.Lock.Scope) {
		return false, abi.EINVAL
	}
	w.lock, w.write = s.Lock.Lock, s.Type == abi.EventtypeLockWrlock
	return f.lockOrQueue(w)
}

// pollOpen finds the descriptors to be polled.
func (t *Thread) pollOpen() {
	p := &t.poll
	p.fds = p.fds[:0]
	for i := range p.subs {
		s := &p.subs[i]
		pfd := host.PollFD{FD: -1}
		switch s.Type {
		case abi.EventtypeFDRead:
			s.obj, s.err = t.proc.fds.get(s.FDReadwrite.FD, abi.RightPollFDReadwrite|abi.RightFDRead)
			pfd.Events = host.PollIn
		case abi.EventtypeFDWrite:
			s.obj, s.err = t.proc.fds.get(s.FDReadwrite.FD, abi.RightPollFDReadwrite|abi.RightFDWrite)
			pfd.Events = host.PollOut
		case abi.EventtypeClock:
		default:
			s.err = abi.ENOSYS
		}
		if s.obj != nil {
			pfd.FD = int32(s.obj.fd)
		}
		p.fds = append(p.fds, pfd)
	}
}

// pollEvents waits for descriptors and clocks. All events that have occurred by
// the end are reported.
func (t *Thread) pollEvents() (n int, e abi.Errno) {
	p := &t.poll
	for {
		if e := t.pollSleep(); e != 0 {
			return 0, e
		}
		n = 0
		for i := range p.subs {
			ev, ok := p.occurred(i)
			if !ok {
				continue
			}
			if e := t.put(n, ev); e != 0 {
				return 0, e
			}
			n++
		}
		if n != 0 {
			return n, 0
		}
	}
}

// pollSleep sleeps until something may have happened.
func (t *Thread) pollSleep() abi.Errno {
	p := &t.poll
	if len(p.subs) == 1 && p.subs[0].Type == abi.EventtypeClock && p.subs[0].err == 0 {
		// A plain sleep: an absolute one follows the clock when it is set.
		if t.park(p.subs[0].until) == host.ParkInterrupted {
			return errRestart
		}
		return 0
	}
	timeout := int64(-1)
	for i := range p.subs {
		s := &p.subs[i]
		left := int64(-1)
		switch {
		case s.err != 0:
			left = 0
		case s.Type == abi.EventtypeClock:
			left = s.until.left()
		}
		if left >= 0 && (timeout < 0 || left < timeout) {
			timeout = left
		}
	}
	_, he := t.Host.Poll(p.fds, timeout)
	if t.interrupted(he) {
		return 0 // nothing has happened: the caller computes the timeout anew
	}
	return t.blocked(he)
}

// occurred tells whether subscription i has something to report, and what.
func (p *poll) occurred(i int) (abi.Event, bool) {
	s := &p.subs[i]
	switch {
	case s.err != 0:
		return s.event(s.err), true
	case s.Type == abi.EventtypeClock:
		return s.event(0), s.until.left() == 0
	}
	return s.readiness(p.fds[i].Revents)
}

// readiness converts what the host says about a descriptor. A writer whose reader
// has gone gets EPIPE, which the C library turns into POLLHUP.
func (s *subscription) readiness(got int16) (abi.Event, bool) {
	ev := s.event(0)
	write := s.Type == abi.EventtypeFDWrite
	switch {
	case got == 0:
		return ev, false
	case got&host.PollNval != 0:
		ev.Error = abi.EBADF
		return ev, true
	case got&host.PollErr != 0 && write && s.obj.kind == host.KindPipe:
		ev.Error = abi.EPIPE
		return ev, true
	case got&host.PollErr != 0:
		ev.Error = abi.EIO
		return ev, true
	case got&host.PollHup != 0:
		ev.Flags = abi.EventFDReadwriteHangup
	}
	if !write {
		ev.Nbytes = abi.Filesize(host.Pending(s.obj.fd))
	}
	return ev, true
}
