//go:build amd64

package host

import (
	"slices"
	"sync"
	"syscall"
)

// A waitQueue is a polling event queue: a set of files that are looked at together.
type waitQueue struct {
	mu      sync.Mutex
	members []member
	watch   watchers // of polls for the queue
}

// A member is a file in a queue.
type member struct {
	look
	fd   int
	mode QueueMode
	id   uint64
	seen int16 // QueueEdge: what has been reported and not gone since
	done bool  // QueueOneshot: reported
}

// NewQueue creates a queue.
func NewQueue() (fd int, err error) {
	return newFD(&file{kind: KindUnknown, q: new(waitQueue), read: true}), nil
}

func queueOf(fd int) (*waitQueue, syscall.Errno) {
	f, e := fileOf(fd)
	if e == 0 && f.q == nil {
		return nil, syscall.EINVAL
	}
	if e != 0 {
		return nil, e
	}
	return f.q, 0
}

// QueueAdd puts a descriptor into a queue under a number. EEXIST when it is there already,
// EPERM for objects that are always ready, as files are.
func QueueAdd(queue, fd int, want int16, mode QueueMode, id uint64) error {
	q, e := queueOf(queue)
	if e != 0 {
		return e
	}
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind == KindRegular, f.kind == KindDirectory, f.kind == KindSharedMemory:
		return syscall.EPERM
	case f.q != nil:
		return syscall.EINVAL // no queues in queues
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.find(fd) >= 0 {
		return syscall.EEXIST
	}
	q.members = append(q.members, member{look: look{f: f, want: want}, fd: fd, mode: mode, id: id})
	q.watch.wake() // polls for the queue then watch its new member
	return nil
}

// QueueRemove takes a descriptor out of a queue.
func QueueRemove(queue, fd int) error {
	q, e := queueOf(queue)
	if e != 0 {
		return e
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.find(fd)
	if i < 0 {
		return syscall.ENOENT
	}
	q.members = slices.Delete(q.members, i, i+1)
	return nil
}

func (q *waitQueue) find(fd int) int {
	return slices.IndexFunc(q.members, func(m member) bool { return m.fd == fd })
}

// QueueEvents takes up to len(evs) events that have occurred, without waiting.
func QueueEvents(queue int, evs []QueueEvent) (n int, err error) {
	q, e := queueOf(queue)
	if e != 0 {
		return 0, e
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.members {
		if n == len(evs) {
			break
		}
		m := &q.members[i]
		got := m.news()
		if got == 0 {
			continue
		}
		m.seen, m.done = m.seen|got, m.mode == QueueOneshot
		evs[n] = QueueEvent{m.id, got}
		n++
	}
	return n, nil
}

// news is what a member has to report.
func (m *member) news() int16 {
	if m.done {
		return 0
	}
	one := []look{m.look}
	if _, err := refresh(one); err != nil {
		return PollErr
	}
	if m.mode != QueueEdge {
		return one[0].got
	}
	m.seen &= one[0].got
	return one[0].got &^ m.seen
}

// ready is PollIn when there is anything to report.
func (q *waitQueue) ready() int16 {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.members {
		if q.members[i].news() != 0 {
			return PollIn
		}
	}
	return 0
}

func (q *waitQueue) each(do func(*look)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.members {
		do(&q.members[i].look)
	}
}

// A timer is a descriptor that is readable when a time has come.
type timer struct {
	mu    sync.Mutex
	clock Clock
	at    int64 // 0: never again
	every int64
}

// NewTimer creates a descriptor that is readable when ClockRealtime or ClockMonotonic has
// reached at, in nanoseconds; with every, again each time so many have passed.
func NewTimer(c Clock, at, every int64) (fd int, err error) {
	return newFD(&file{kind: KindUnknown, tm: &timer{clock: c, at: max(at, 1), every: every}, read: true}), nil
}

// TimerExpired tells whether a timer has expired since the last look.
func TimerExpired(fd int) bool {
	f, e := fileOf(fd)
	return e == 0 && f.tm != nil && f.tm.take()
}

func (m *timer) now() int64 {
	if m.clock == ClockRealtime {
		return Realtime()
	}
	return Monotonic()
}

func (m *timer) take() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if m.at == 0 || now < m.at {
		return false
	}
	if m.every > 0 {
		m.at += (now-m.at)/m.every*m.every + m.every
	} else {
		m.at = 0
	}
	return true
}

func (m *timer) ready() int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at != 0 && m.now() >= m.at {
		return PollIn
	}
	return 0
}

// next is when it expires, negative for never. A wall clock that is set meanwhile is
// seen at the next look.
func (m *timer) next() deadline {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == 0 {
		return -1
	}
	return deadline(Monotonic() + max(0, m.at-m.now()))
}
