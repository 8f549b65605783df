package kernel

import (
	"sync"
	"sync/atomic"

	"cabitrans/runtime/abi"
)

// words is the atomic access to guest memory that locks need. Its errors are
// abi.EFAULT for memory that is not there and abi.EINVAL for a misaligned word.
type words interface {
	Load32(addr uint64) (uint32, error)
	Store32(addr uint64, v uint32) error
	CompareAndSwap32(addr uint64, old, new uint32) (prev uint32, err error)
}

// A futexes is the parking lot of one process: the queues of the threads that
// wait for a lock or a condition variable of scope private. The words themselves are the guest's;
// a word without waiters has no trace here. See doc.go for the protocol.
type futexes struct {
	mem      words
	locks    [buckets]bucket
	condvars [buckets]bucket
}

const buckets = 256

// A bucket holds the waiters of all addresses that hash to it, oldest first.
type bucket struct {
	mu         sync.Mutex
	head, tail *waiter
	_          [40]byte // a cache line of its own
}

func hash(addr uint64) uint64 { return addr >> 2 * 0x9e3779b97f4a7c15 >> 56 }

func (f *futexes) lockBucket(addr uint64) *bucket    { return &f.locks[hash(addr)] }
func (f *futexes) condvarBucket(addr uint64) *bucket { return &f.condvars[hash(addr)] }

// What a waiter is doing. A change from a queued state is made under the mutex
// of the bucket that holds the waiter; every other change is the waiter's own.
const (
	waitIdle    = iota
	waitCondvar // queued on a condition variable
	waitLock    // queued on a lock
	waitRetry   // taken off a queue; must try for the lock, or queue again
	waitGranted // the lock was acquired on the waiter's behalf

	// Of scope shared: nothing is queued here.
	waitCondvarShared
	waitLockShared
)

// A waiter is the waiting side of one thread. It is part of the Thread, so that
// waiting allocates nothing.
type waiter struct {
	state      atomic.Uint32
	prev, next *waiter

	addr    uint64 // the word it is queued for: the lock's or the condition variable's
	lock    uint64
	condvar uint64 // 0 when the wait is for a lock only
	tid     uint32
	write   bool
	shared  sharedWait

	lockShared bool // the lock is of scope shared

	expired bool  // the condition variable was not signalled in time
	since   int64 // monotonic ns since which it has been waiting for the lock; 0 = not yet

	wake func() // unparks the thread
}

// pushBack queues w for addr behind all others.
func (b *bucket) pushBack(w *waiter, addr uint64) {
	w.addr, w.prev, w.next = addr, b.tail, nil
	if b.tail == nil {
		b.head = w
	} else {
		b.tail.next = w
	}
	b.tail = w
}

// pushFront queues w for addr before all others: it had its turn and lost.
func (b *bucket) pushFront(w *waiter, addr uint64) {
	w.addr, w.prev, w.next = addr, nil, b.head
	if b.head == nil {
		b.tail = w
	} else {
		b.head.prev = w
	}
	b.head = w
}

func (b *bucket) remove(w *waiter) {
	if w.prev == nil {
		b.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		b.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// first returns the oldest waiter for addr, or nil.
func (b *bucket) first(addr uint64) *waiter { return after(b.head, addr) }

// after returns the oldest waiter for addr from w on, or nil.
func after(w *waiter, addr uint64) *waiter {
	for w != nil && w.addr != addr {
		w = w.next
	}
	return w
}

// census counts the readers queued for addr, and tells whether a writer is.
func (b *bucket) census(addr uint64) (readers uint32, writer bool) {
	for w := b.first(addr); w != nil; w = after(w.next, addr) {
		if w.write {
			writer = true
		} else {
			readers++
		}
	}
	return readers, writer
}

// toErrno reduces an error of the guest's memory to its number.
func toErrno(err error) abi.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(abi.Errno); ok {
		return e
	}
	return abi.EFAULT
}
