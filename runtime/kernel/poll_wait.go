package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// pollEvents waits for descriptors and clocks. All events that have occurred by
// the end are reported, in the order of their subscriptions.
func (t *Thread) pollEvents() (n int, e abi.Errno) {
	p := &t.poll
	if len(p.subs) == 1 && p.subs[0].Type == abi.EventtypeClock && p.subs[0].err == 0 {
		// A plain sleep: an absolute one follows the clock when it is set.
		if t.park(p.subs[0].until) == host.ParkInterrupted {
			return 0, errRestart
		}
		return 1, t.putOne(p.subs[0].event(0))
	}
	t.pollOpen()
	defer t.pollClose()
	for {
		if e := t.pollSleep(); e != 0 {
			return 0, e
		}
		t.putBegin(len(p.subs))
		for i := range p.subs {
			if ev, ok := p.occurred(&p.subs[i]); ok {
				if e := t.put(ev); e != 0 {
					return 0, e
				}
			}
		}
		if n := p.copies.n; n != 0 {
			return n, t.putEnd()
		}
	}
}

// pollOpen finds the descriptors to be polled. It does so again after a kick,
// which may have been for a descriptor that is no longer the same.
func (t *Thread) pollOpen() {
	p := &t.poll
	var fds fdSet
	for i := range p.subs {
		if fd, ok := p.subs[i].descriptor(); ok {
			fds.add(fd)
		}
	}
	t.blockIn(fds)
	p.fds, p.files = p.fds[:0], false
	for i := range p.subs {
		s := &p.subs[i]
		fd, ok := s.descriptor()
		if !ok {
			if s.Type != abi.EventtypeClock {
				s.err = abi.ENOSYS
			}
			continue
		}
		s.obj, s.err = t.proc.fds.get(fd, pollRights(s.Type))
		if s.err == 0 {
			s.want, s.err = s.obj.pollable(s.Type)
		}
		switch {
		case s.err != 0:
		case t.raw && s.obj.atEnd(&s.Subscription):
			s.at, p.files = -1, true
		default:
			s.at = p.watch(int32(s.obj.fd), s.want)
		}
	}
}

// descriptor returns the descriptor that s waits for, if it waits for one.
func (s *subscription) descriptor() (abi.FD, bool) {
	switch s.Type {
	case abi.EventtypeFDRead, abi.EventtypeFDWrite:
		return s.FDReadwrite.FD, true
	case abi.EventtypeProcTerminate:
		return s.ProcTerminate.FD, true
	}
	return 0, false
}

// pollRights returns the rights that waiting for an event of a descriptor takes
// (spec, "flags uint64 rights").
func pollRights(typ abi.Eventtype) abi.Rights {
	switch typ {
	case abi.EventtypeFDRead:
		return abi.RightPollFDReadwrite | abi.RightFDRead
	case abi.EventtypeFDWrite:
		return abi.RightPollFDReadwrite | abi.RightFDWrite
	}
	return abi.RightPollProcTerminate
}

// pollable returns the host's events that stand for an event of o; EINVAL when
// objects of its type know no such event.
func (o *object) pollable(typ abi.Eventtype) (int16, abi.Errno) {
	switch typ {
	case abi.EventtypeFDRead:
		return host.PollIn, 0
	case abi.EventtypeFDWrite:
		return host.PollOut, 0
	case abi.EventtypeProcTerminate:
		if o.typ == abi.FiletypeProcess {
			return host.PollIn, 0
		}
	}
	return 0, abi.EINVAL
}

// atEnd tells whether reading o would find the end of a regular file, and the
// subscription is for something else (spec 2016-08, "flags uint16 subrwflags").
func (o *object) atEnd(s *abi.Subscription) bool {
	return s.Type == abi.EventtypeFDRead && s.FDReadwrite.Flags&abi.SubscriptionFDReadwritePoll == 0 &&
		o.kind == host.KindRegular && host.Remaining(o.fd) == 0
}

// watch adds a host descriptor to those that are waited for, and returns its
// place. The C library subscribes to reading and writing in turn.
func (p *poll) watch(fd int32, want int16) int32 {
	if n := len(p.fds); n != 0 && p.fds[n-1].FD == fd {
		p.fds[n-1].Events |= want
		return int32(n - 1)
	}
	p.fds = append(p.fds, host.PollFD{FD: fd, Events: want})
	return int32(len(p.fds) - 1)
}

// pollClose lets go of the descriptors.
func (t *Thread) pollClose() {
	for i := range t.poll.subs {
		s := &t.poll.subs[i]
		if s.obj != nil {
			s.obj.release()
			s.obj = nil
		}
	}
	t.unblock()
}

// pollSleep sleeps until something may have happened.
func (t *Thread) pollSleep() abi.Errno {
	p := &t.poll
	timeout := int64(-1)
	if p.files {
		timeout = filePoll
	}
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
	if he == syscall.EINVAL && p.merge() {
		return 0 // they were more than the host lets a process have descriptors
	}
	if t.interrupted(he) {
		return 0 // nothing has happened: the caller computes the timeout anew
	}
	return t.blocked(he)
}

// merge makes one of all entries for the same host descriptor. False when there
// are no two.
func (p *poll) merge() bool {
	n := len(p.fds)
	place := make(map[int32]int32, n)
	p.fds = p.fds[:0]
	for i := range p.subs {
		s := &p.subs[i]
		if s.obj == nil || s.err != 0 || s.at < 0 {
			continue
		}
		fd := int32(s.obj.fd)
		at, seen := place[fd]
		if !seen {
			at = int32(len(p.fds))
			place[fd] = at
			p.fds = append(p.fds, host.PollFD{FD: fd})
		}
		p.fds[at].Events |= s.want
		s.at = at
	}
	return len(p.fds) < n
}

// occurred tells whether subscription s has something to report, and what.
func (p *poll) occurred(s *subscription) (abi.Event, bool) {
	switch {
	case s.err != 0:
		return s.event(s.err), true
	case s.Type == abi.EventtypeClock:
		return s.event(0), s.until.left() == 0
	}
	if s.at < 0 {
		if s.obj.atEnd(&s.Subscription) {
			return abi.Event{}, false
		}
		return s.readiness(s.obj, s.want), true
	}
	// What was not asked for is another subscription's, but for errors.
	got := p.fds[s.at].Revents & (s.want | host.PollErr | host.PollHup | host.PollNval)
	if got == 0 {
		return abi.Event{}, false
	}
	return s.readiness(s.obj, got), true
}

// readiness converts what the host says about a descriptor. A writer whose reader
// has gone gets EPIPE, which the C library turns into POLLHUP.
func (s *subscription) readiness(o *object, got int16) abi.Event {
	ev := s.event(0)
	write := s.Type == abi.EventtypeFDWrite
	switch {
	case s.Type == abi.EventtypeProcTerminate:
		o.terminated(&ev)
		return ev
	case got&host.PollNval != 0:
		ev.Error = abi.EBADF
		return ev
	case got&host.PollErr != 0 && write && o.kind == host.KindPipe:
		ev.Error = abi.EPIPE
		return ev
	case got&host.PollErr != 0:
		ev.Error = abi.EIO
		return ev
	case got&host.PollHup != 0:
		ev.Flags = abi.EventFDReadwriteHangup
	}
	if !write {
		ev.Nbytes = abi.Filesize(o.pending())
	}
	return ev
}

// pending returns how many bytes can be read at once; 0 when the host cannot
// tell, as for directories.
func (o *object) pending() int64 {
	if o.kind == host.KindRegular {
		return host.Remaining(o.fd)
	}
	return int64(host.Pending(o.fd))
}
