package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// filePoll is how often, in nanoseconds, a poll looks whether there is more of a
// file: the host does not tell.
const filePoll = 20_000_000

// maxEvents bounds the events of one poll_fd; the others are for the next.
const maxEvents = 64

// createQueue is fd_create1 for polling event queues.
func (t *Thread) createQueue() (r0, r1 uint64, e abi.Errno) {
	hfd, err := host.NewQueue()
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	o := newObject(hfd, host.KindUnknown, abi.FiletypePoll)
	o.queue = newQueue(hfd, &t.proc.fds)
	fd, e := t.proc.fds.insert(o, rightsPoll, 0)
	return uint64(fd), 0, e
}

// pollFDCall changes a queue's subscriptions and waits for its events. A change
// that fails is an event with its error, if there is room for one, and then the
// call does not wait.
func pollFDCall(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	p := &t.poll
	nin, nout := a[2], min(a[4], maxEvents)
	need := abi.Rights(0)
	if nin != 0 {
		need |= abi.RightPollModify
	}
	if nout != 0 {
		need |= abi.RightPollWait
	}
	o, e := t.enter(abi.FD(a[0]), need)
	if e != 0 {
		p.finish()
		return 0, 0, e
	}
	defer t.leave(o)
	if o.queue == nil {
		p.finish()
		return 0, 0, abi.EBADF
	}
	if !p.active {
		failed, e := t.pollFDBegin(o.queue, a, nout)
		if e != 0 || failed != 0 || nout == 0 {
			return failed, 0, e
		}
	}
	n, e := t.queueWait(o.queue, int(nout))
	if e != errRestart {
		p.finish()
	}
	return uint64(n), 0, e
}

// pollFDBegin reads the timeout and carries out the changes. failed is the number
// of events stored for changes that failed.
func (t *Thread) pollFDBegin(q *queue, a *[8]uint64, nout uint64) (failed uint64, e abi.Errno) {
	p, mem := &t.poll, t.proc.mem
	in, nin, out, timeout := a[1], a[2], a[3], a[5]
	p.subs = append(p.subs[:0], subscription{until: never})
	s := &p.subs[0]
	b := t.buf[:abi.SubscriptionSize]
	if timeout != 0 {
		if err := mem.CopyIn(b, timeout); err != nil {
			return 0, toErrno(err)
		}
		if s.Decode(b); s.Type != abi.EventtypeClock {
			return 0, abi.EINVAL
		}
		if s.until, e = newDeadline(&s.Clock); e != 0 {
			return 0, e
		}
	}
	if nout != 0 {
		if err := mem.Check(out, nout*abi.EventSize, true); err != nil {
			return 0, toErrno(err)
		}
	}
	p.out = out
	var c subscription
	for ; nin != 0; nin-- {
		if err := mem.CopyIn(b, in); err != nil {
			return failed, toErrno(err)
		}
		in += abi.SubscriptionSize
		c.Decode(b)
		e := q.change(&c.Subscription)
		switch {
		case e == 0:
		case failed == nout:
			return failed, e
		default:
			if e := t.putAt(failed, c.event(e)); e != 0 {
				return failed, e
			}
			failed++
		}
	}
	p.active = failed == 0 && nout != 0
	return failed, 0
}

// queueWait waits for events of q and stores up to max of them.
func (t *Thread) queueWait(q *queue, max int) (n int, e abi.Errno) {
	p := &t.poll
	for {
		n, files, e := t.collect(q, max)
		if n != 0 || e != 0 {
			return n, e
		}
		left := p.subs[0].until.left()
		if left == 0 {
			return 0, 0
		}
		if files && (left < 0 || left > filePoll) {
			left = filePoll
		}
		p.fds = append(p.fds[:0], host.PollFD{FD: int32(q.host), Events: host.PollIn})
		if _, he := t.Host.Poll(p.fds, left); he != 0 && !t.interrupted(he) {
			return 0, t.blocked(he)
		}
	}
}

// collect stores the events that have occurred. files says that q has
// subscriptions whose events the host does not tell.
func (t *Thread) collect(q *queue, max int) (n int, files bool, e abi.Errno) {
	var raw [maxEvents]host.QueueEvent
	k, err := host.QueueEvents(q.host, raw[:max])
	if err != nil {
		return 0, false, errnoOf(err)
	}
	t.putBegin(max)
	var room [maxEvents]*note
	gone := room[:0]
	q.mu.Lock()
	for i := range k {
		// A number without note is one that another thread has reported, or dropped.
		if note := q.ids[raw[i].ID]; note != nil && note.enabled {
			if q.report(t, note, raw[i].Got, &e) && note.oneshot {
				gone = append(gone, note)
			}
		}
	}
	for i := 0; i < len(q.files) && t.poll.copies.n < max; {
		note := q.files[i]
		if got := note.fileReady(); got && q.report(t, note, note.want, &e) && note.oneshot {
			gone = append(gone, note) // it is off q.files
		} else {
			i++
		}
	}
	files = len(q.files) != 0
	q.mu.Unlock()
	freeAll(gone)
	if e == 0 && t.poll.copies.n != 0 {
		e = t.putEnd()
	}
	return t.poll.copies.n, files, e
}

// report stores the event of a note; a oneshot one goes with it. False when there
// turns out to be none.
func (q *queue) report(t *Thread, n *note, got int16, e *abi.Errno) bool {
	var ev abi.Event
	if n.obj != nil {
		ev = n.readiness(n.obj, got)
	} else {
		if !host.TimerExpired(n.fd) {
			return false
		}
		ev = n.event(0)
	}
	if err := t.put(ev); err != 0 {
		*e = err
	}
	if n.oneshot {
		q.drop(n)
	}
	return true
}

// fileReady tells whether a note of an object that the host takes for always ready
// has something to report.
func (n *note) fileReady() bool {
	now := int64(0)
	if n.obj.kind == host.KindRegular {
		if n.obj.atEnd(&n.Subscription) {
			n.seen = 0
			return false
		}
		now = host.Remaining(n.obj.fd)
	}
	if n.clear && n.seen == now {
		return false
	}
	n.seen = now
	return true
}
