package kernel

import (
	"slices"

	"cabitrans/runtime/abi"
)

const (
	// copyBatch is how many bytes of subscriptions or events travel at once.
	copyBatch = 64 * abi.SubscriptionSize

	// A thread keeps room for as many subscriptions as it needed last. Room for
	// more than keepSubs goes when keepCalls calls in a row used a quarter at most.
	keepSubs  = 64
	keepCalls = 64
)

// copies are subscriptions on their way in, or events on their way out.
type copies struct {
	batch []byte // made when a call first has more than fit Thread.buf
	buf   []byte // events not yet stored
	n     int    // events stored and not yet stored
}

// pollRead reads n subscriptions. Relative timeouts begin now.
func (t *Thread) pollRead(in uint64, n int) abi.Errno {
	p := &t.poll
	p.subs = slices.Grow(p.subs[:0], n)[:n]
	b := t.batch(n * abi.SubscriptionSize)
	for todo := p.subs; len(todo) > 0; {
		k := min(len(todo), len(b)/abi.SubscriptionSize)
		if err := t.proc.mem.CopyIn(b[:k*abi.SubscriptionSize], in); err != nil {
			return toErrno(err)
		}
		for i := range todo[:k] {
			s := &todo[i]
			s.Decode(b[i*abi.SubscriptionSize:])
			s.err, s.until, s.obj = 0, deadline{}, nil
			if s.Type == abi.EventtypeClock {
				s.until, s.err = newDeadline(&s.Clock)
			}
		}
		todo = todo[k:]
		in += uint64(k) * abi.SubscriptionSize
	}
	return 0
}

// batch returns a buffer for n bytes, or for as many as travel at once.
func (t *Thread) batch(n int) []byte {
	if n <= len(t.buf) {
		return t.buf[:]
	}
	c := &t.poll.copies
	if c.batch == nil {
		c.batch = make([]byte, copyBatch)
	}
	return c.batch
}

// putBegin begins to store up to n events.
func (t *Thread) putBegin(n int) {
	c := &t.poll.copies
	c.buf, c.n = t.batch(n * abi.EventSize)[:0], 0
}

// put stores the next event, sooner or later.
func (t *Thread) put(ev abi.Event) abi.Errno {
	c := &t.poll.copies
	i := len(c.buf)
	if i+abi.EventSize > cap(c.buf) {
		if e := t.putEnd(); e != 0 {
			return e
		}
		i = 0
	}
	c.buf = c.buf[:i+abi.EventSize]
	ev.Encode(c.buf[i:])
	c.n++
	return 0
}

// putEnd stores the events that have not been stored yet.
func (t *Thread) putEnd() abi.Errno {
	c := &t.poll.copies
	first := uint64(c.n - len(c.buf)/abi.EventSize)
	err := t.proc.mem.CopyOut(t.poll.out+first*abi.EventSize, c.buf)
	c.buf = c.buf[:0]
	return toErrno(err)
}

// putOne stores the only event of a call.
func (t *Thread) putOne(ev abi.Event) abi.Errno { return t.putAt(0, ev) }

// putAt stores event i at once.
func (t *Thread) putAt(i uint64, ev abi.Event) abi.Errno {
	ev.Encode(t.buf[:])
	return toErrno(t.proc.mem.CopyOut(t.poll.out+i*abi.EventSize, t.buf[:abi.EventSize]))
}

// trim gives room back that has not been needed for a while.
func (p *poll) trim() {
	if cap(p.subs) <= keepSubs {
		return
	}
	if len(p.subs) > cap(p.subs)/4 {
		p.small = 0
		return
	}
	if p.small++; p.small == keepCalls {
		p.small = 0
		p.subs, p.fds = p.store[:0], nil
	}
}
