package kernel

import (
	"errors"
	"sync"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A queue is what a polling event queue holds (spec 2016-08, "poll_fd"): the
// subscriptions that stay from one call to the next. The host's queue says which
// of them have something to report. The text leaves much open ("I'm not sure what
// this means"); FreeBSD's kqueue, which it was made from, decides.
type queue struct {
	host  int // host descriptor, the object's
	table *fdTable

	mu     sync.Mutex
	listed bool // among table.queues, which the holder of table.mu may read, too
	notes  map[noteKey]*note
	ids    map[uint64]*note
	lastID uint64
	files  []*note // enabled notes that the host's queue does not take: see note.always
}

// A noteKey is what makes two subscriptions the same: the type, and the descriptor
// or the clock's identifier.
type noteKey struct {
	typ   abi.Eventtype
	ident uint64
}

// A note is a subscription in a queue. The modes of trigger, oneshot and clear,
// are those of its making, as in FreeBSD.
type note struct {
	subscription
	key     noteKey
	id      uint64
	enabled bool
	oneshot bool
	clear   bool

	fd     int  // in the host's queue: the object's own, a duplicate, or a timer; -1 for none
	owned  bool // fd is not the object's own
	always bool // always ready as far as the host is concerned: files, directories
	seen   int64
}

func newQueue(hfd int, t *fdTable) *queue {
	return &queue{host: hfd, table: t, notes: map[noteKey]*note{}, ids: map[uint64]*note{}}
}

// change carries out one change. An error is that of the subscription.
func (q *queue) change(s *abi.Subscription) abi.Errno {
	q.list()
	q.mu.Lock()
	gone, e := q.changeLocked(s)
	q.mu.Unlock()
	gone.free()
	return e
}

func (q *queue) changeLocked(s *abi.Subscription) (gone *note, e abi.Errno) {
	key := noteKey{typ: s.Type}
	var o *object
	switch s.Type {
	case abi.EventtypeClock:
		key.ident = uint64(s.Clock.Identifier)
	case abi.EventtypeFDRead, abi.EventtypeFDWrite, abi.EventtypeProcTerminate:
		fd := s.FDReadwrite.FD
		if s.Type == abi.EventtypeProcTerminate {
			fd = s.ProcTerminate.FD
		}
		// Also for one that is there: the rights of the descriptor may be fewer now.
		if o, e = q.table.get(fd, pollRights(s.Type)); e != 0 {
			return nil, e
		}
		key.ident = uint64(fd)
	default:
		return nil, abi.ENOSYS // locks and condition variables: poll only
	}
	n := q.notes[key]
	switch {
	case n == nil && s.Flags&abi.SubscriptionAdd == 0:
		e = abi.ENOENT
	case n == nil:
		return q.add(key, s, o)
	case s.Flags&abi.SubscriptionDelete != 0:
		q.drop(n)
		gone = n
	default:
		e = q.update(n, s)
	}
	if o != nil {
		o.release()
	}
	return gone, e
}

// add makes a note; it takes over the reference to o. A note that cannot be made
// is returned as gone.
func (q *queue) add(key noteKey, s *abi.Subscription, o *object) (gone *note, e abi.Errno) {
	q.lastID++
	n := &note{
		subscription: subscription{Subscription: *s, obj: o},
		key:          key, id: q.lastID,
		oneshot: s.Flags&abi.SubscriptionOneshot != 0,
		clear:   s.Flags&abi.SubscriptionClear != 0,
		fd:      -1, seen: -1,
	}
	if o != nil {
		n.want, e = o.pollable(s.Type)
	} else {
		e = n.setTimer()
	}
	if e != 0 {
		return n, e
	}
	if s.Flags&abi.SubscriptionDisable == 0 || s.Flags&abi.SubscriptionEnable != 0 {
		if e := q.enable(n); e != 0 {
			return n, e
		}
	}
	q.notes[key], q.ids[n.id] = n, n
	return nil, 0
}

// update changes a note that is there.
func (q *queue) update(n *note, s *abi.Subscription) abi.Errno {
	n.Userdata = s.Userdata
	n.FDReadwrite.Flags = s.FDReadwrite.Flags
	if n.obj == nil && s.Flags&abi.SubscriptionAdd != 0 { // the timer starts anew
		on := n.enabled
		q.disable(n)
		n.Clock = s.Clock
		if e := n.setTimer(); e != 0 {
			return e
		}
		if on {
			if e := q.enable(n); e != 0 {
				return e
			}
		}
	}
	switch {
	case s.Flags&abi.SubscriptionEnable != 0, s.Flags&(abi.SubscriptionAdd|abi.SubscriptionDisable) == abi.SubscriptionAdd:
		return q.enable(n)
	case s.Flags&abi.SubscriptionDisable != 0:
		q.disable(n)
	}
	return 0
}

// enable makes the host's queue report n. What is ready already is reported.
func (q *queue) enable(n *note) abi.Errno {
	if n.enabled {
		return 0
	}
	mode := host.QueueLevel
	switch {
	case n.oneshot:
		mode = host.QueueOneshot
	case n.clear:
		mode = host.QueueEdge
	}
	if n.obj != nil && n.fd < 0 {
		n.fd = n.obj.fd
	}
	err := host.QueueAdd(q.host, n.fd, n.want, mode, n.id)
	if errors.Is(err, syscall.EEXIST) && !n.owned {
		// The host knows descriptors, not subscriptions: the second one to the
		// same object gets a duplicate.
		fd, dupErr := host.DupFD(n.fd)
		if dupErr != nil {
			return errnoOf(dupErr)
		}
		n.fd, n.owned = fd, true
		err = host.QueueAdd(q.host, n.fd, n.want, mode, n.id)
	}
	if errors.Is(err, syscall.EPERM) {
		n.always, err = true, nil
		q.files = append(q.files, n)
	}
	n.enabled = err == nil
	return errnoOf(err)
}

// disable ends the reports about n.
func (q *queue) disable(n *note) {
	if !n.enabled {
		return
	}
	n.enabled = false
	if !n.always {
		_ = host.QueueRemove(q.host, n.fd) // it is there
		return
	}
	n.always = false
	for i, f := range q.files {
		if f == n {
			q.files = append(q.files[:i], q.files[i+1:]...)
			return
		}
	}
}

// drop takes n out of the queue; free is to follow.
func (q *queue) drop(n *note) {
	q.disable(n)
	delete(q.notes, n.key)
	delete(q.ids, n.id)
}

// free gives back what n holds. No lock is held: closing may take its time.
func (n *note) free() {
	if n == nil {
		return
	}
	if n.owned {
		_ = host.CloseFD(n.fd)
	}
	if n.obj != nil {
		n.obj.release()
	}
}

// setTimer gives a clock's note a host timer. One with a relative timeout goes
// off again each time as much has passed, like kqueue's.
func (n *note) setTimer() abi.Errno {
	if n.owned {
		_ = host.CloseFD(n.fd)
		n.fd, n.owned = -1, false
	}
	d, e := newDeadline(&n.Clock) // in the host's clock, absolute
	if e != 0 {
		return e
	}
	if d.clock == host.ClockProcessCPU {
		return abi.ENOTSUP
	}
	every := int64(0)
	if n.Clock.Flags&abi.SubscriptionClockAbstime == 0 {
		every = max(int64(n.Clock.Timeout), 1)
	}
	if d.at < 0 {
		d.at, every = 1<<63-1, 0 // never, as far as anybody can tell
	}
	fd, err := host.NewTimer(d.clock, d.at, every)
	if err != nil {
		return errnoOf(err)
	}
	n.fd, n.owned, n.want = fd, true, host.PollIn
	return 0
}

// list makes the table tell q when a descriptor is closed.
func (q *queue) list() {
	q.mu.Lock()
	listed := q.listed
	q.mu.Unlock()
	if listed {
		return
	}
	q.table.mu.Lock()
	q.mu.Lock()
	if !q.listed {
		q.listed = true
		q.table.queues = append(q.table.queues, q)
	}
	q.mu.Unlock()
	q.table.mu.Unlock()
}

// destroy empties a queue that nobody refers to any more.
func (q *queue) destroy() {
	if q.listed { // no other thread has q
		t := q.table
		t.mu.Lock()
		for i, other := range t.queues {
			if other == q {
				t.queues = append(t.queues[:i], t.queues[i+1:]...)
				break
			}
		}
		t.mu.Unlock()
	}
	for _, n := range q.notes {
		q.drop(n)
		n.free()
	}
}

// forget takes the subscriptions for a descriptor out of all queues, because its
// slot has changed. t.mu is held; the notes are to be freed when it no longer is.
func (t *fdTable) forget(fd abi.FD) (gone []*note) {
	for _, q := range t.queues {
		q.mu.Lock()
		for _, typ := range [...]abi.Eventtype{abi.EventtypeFDRead, abi.EventtypeFDWrite, abi.EventtypeProcTerminate} {
			if n := q.notes[noteKey{typ, uint64(fd)}]; n != nil {
				q.drop(n)
				gone = append(gone, n)
			}
		}
		q.mu.Unlock()
	}
	return gone
}

func freeAll(notes []*note) {
	for _, n := range notes {
		n.free()
	}
}
