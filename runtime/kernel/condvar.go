package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Values of a condition variable's word (spec, "opaque uint32 condvar"). The C
// library calls the kernel for every value but the first.
const (
	condvarNoWaiters  = uint32(abi.CondvarHasNoWaiters)
	condvarHasWaiters = uint32(1)
)

// condvarWait queues w on its condition variable and releases its lock, in one
// step as far as any signal can tell.
func (f *futexes) condvarWait(w *waiter, m sharedWords) abi.Errno {
	b := f.condvarBucket(w.condvar)
	b.mu.Lock()
	defer b.mu.Unlock()
	// One condition variable goes with one lock at a time, as upstream has it.
	other := b.first(w.condvar)
	if other != nil && (other.lock != w.lock || other.lockShared != w.lockShared) {
		return abi.EINVAL
	}
	// The word is marked before the lock is released: whoever takes the lock
	// afterwards sees that there is somebody to signal.
	if e := toErrno(f.mem.Store32(w.condvar, condvarHasWaiters)); e != 0 {
		return e
	}
	if e := f.unlockFor(w, m); e != 0 {
		if other == nil {
			f.clearCondvar(b, w.condvar)
		}
		return e
	}
	w.since = 0
	w.state.Store(waitCondvar)
	b.pushBack(w, w.condvar)
	return 0
}

// unlockFor releases the lock of w.
func (f *futexes) unlockFor(w *waiter, m sharedWords) abi.Errno {
	if w.lockShared {
		return unlockShared(m, w.lock, w.tid)
	}
	return f.unlock(w.lock, w.tid)
}

// condvarSignal lets up to n waiters of a condition variable go on to its lock.
// That nobody waits is no error: the caller may have read the word just before
// the last waiter gave up.
func (f *futexes) condvarSignal(addr uint64, n uint32) abi.Errno {
	// Reading the word is the pointer check.
	if _, err := f.mem.Load32(addr); err != nil {
		return toErrno(err)
	}
	if n == 0 {
		return 0
	}
	b := f.condvarBucket(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.first(addr)
	if first == nil {
		return 0
	}
	f.moveToLock(b, first, n)
	f.clearCondvar(b, addr)
	return 0
}

// moveToLock turns up to n waiters of a condition variable, of which first is
// the oldest, into waiters for their lock. While the lock is held they sleep on:
// the owner's unlock finds them in the queue. If it is free the first is woken to
// take it; the others may rely on that, because it must pass through the lock's
// bucket, which is held here until they are queued.
//
// For a lock of scope shared nobody can be queued: all are woken to take it.
func (f *futexes) moveToLock(b *bucket, first *waiter, n uint32) {
	if first.lockShared {
		b.wakeForLock(first, n)
		return
	}
	lb := f.lockBucket(first.lock)
	lb.mu.Lock()
	defer lb.mu.Unlock()
	held, err := f.markContended(first.lock)
	now := host.Monotonic()
	for w, addr := first, first.addr; w != nil && n > 0; n-- {
		next := after(w.next, addr)
		b.remove(w)
		w.since = now
		if err != nil || !held && w == first {
			// When the word is gone, each thread reports the fault itself.
			w.state.Store(waitRetry)
			w.wake()
		} else {
			w.state.Store(waitLock)
			lb.pushBack(w, w.lock)
		}
		w = next
	}
}

// wakeForLock wakes up to n waiters, of which first is the oldest.
func (b *bucket) wakeForLock(first *waiter, n uint32) {
	for w, addr := first, first.addr; w != nil && n > 0; n-- {
		next := after(w.next, addr)
		b.remove(w)
		w.state.Store(waitRetry)
		w.wake()
		w = next
	}
}

// markContended marks a lock as kernel-managed if somebody holds it.
func (f *futexes) markContended(lock uint64) (held bool, err error) {
	old, err := f.mem.Load32(lock)
	for err == nil && old != 0 && old&lockKernelManaged == 0 {
		var prev uint32
		prev, err = f.mem.CompareAndSwap32(lock, old, old|lockKernelManaged)
		if err == nil && prev == old {
			break
		}
		old = prev
	}
	return old != 0, err
}

// clearCondvar marks the condition variable as having no waiters when that is so.
// Its bucket b is held.
func (f *futexes) clearCondvar(b *bucket, addr uint64) {
	if b.first(addr) == nil {
		// If the word is gone there is nobody to be told.
		_ = f.mem.Store32(addr, condvarNoWaiters)
	}
}

// abandonCondvar takes w off its condition variable because its time is up. The
// caller must still get the lock. It reports false when w has been signalled.
func (f *futexes) abandonCondvar(w *waiter) bool {
	b := f.condvarBucket(w.condvar)
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.state.Load() != waitCondvar {
		return false
	}
	b.remove(w)
	w.state.Store(waitRetry)
	f.clearCondvar(b, w.condvar)
	return true
}
