package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The parts of a lock word (spec, "opaque uint32 lock"). The low 30 bits hold
// the owner's thread identifier when wrlocked is set, else the number of read
// locks. bogus is what the C library puts into words that are not locks yet.
const (
	lockWrlocked      = uint32(abi.LockWrlocked)
	lockKernelManaged = uint32(abi.LockKernelManaged)
	lockCount         = uint32(abi.LockCountMask)
	lockBogus         = uint32(abi.LockBogus)
)

// fairAfter is how long, in nanoseconds, a writer may lose against threads that
// take the lock in passing before an unlock hands it the lock directly.
const fairAfter = 1_000_000

// acquire tries to take the lock for w, whose lock's bucket b is held. When it
// cannot, the word is left marked kernel-managed and ok is false: the caller must
// queue w before it lets go of the bucket, or the mark would be a lie.
func (f *futexes) acquire(b *bucket, w *waiter) (ok bool, e abi.Errno) {
	old, err := f.mem.Load32(w.lock)
	if err != nil {
		return false, toErrno(err)
	}
	for {
		val, got, e := b.transition(w, old)
		if e != 0 {
			return false, e
		}
		if val == old {
			return got, 0
		}
		prev, err := f.mem.CompareAndSwap32(w.lock, old, val)
		if err != nil {
			return false, toErrno(err)
		}
		if prev == old {
			return got, 0
		}
		old = prev
	}
}

// transition says what an attempt by w makes of the lock word old, and whether w
// then has the lock.
func (b *bucket) transition(w *waiter, old uint32) (val uint32, got bool, e abi.Errno) {
	switch {
	case old == lockBogus:
		return 0, false, abi.EINVAL
	case old&^lockKernelManaged == lockWrlocked|w.tid:
		return 0, false, abi.EDEADLK
	case old == 0:
		// Free. Those still queued rely on the next owner to come back to us.
		val = 1
		if w.write {
			val = lockWrlocked | w.tid
		}
		if b.first(w.lock) != nil {
			val |= lockKernelManaged
		}
		return val, true, 0
	case !w.write && old&lockWrlocked == 0:
		if old&lockKernelManaged != 0 {
			if _, writer := b.census(w.lock); writer {
				return old, false, 0 // writers go first
			}
		}
		if old&lockCount == lockCount {
			return 0, false, abi.EAGAIN
		}
		return old + 1, true, 0
	}
	return old | lockKernelManaged, false, 0
}

// lockOrQueue is the first attempt of w: it takes the lock or is queued for it.
func (f *futexes) lockOrQueue(w *waiter) (got bool, e abi.Errno) {
	b := f.lockBucket(w.lock)
	b.mu.Lock()
	defer b.mu.Unlock()
	got, e = f.acquire(b, w)
	if !got && e == 0 {
		w.since = host.Monotonic()
		w.state.Store(waitLock)
		b.pushBack(w, w.lock)
	}
	return got, e
}

// retry is what a thread does that was woken to compete for the lock: it takes
// it or is queued again, in front.
func (f *futexes) retry(w *waiter) (got bool, e abi.Errno) {
	b := f.lockBucket(w.lock)
	b.mu.Lock()
	defer b.mu.Unlock()
	got, e = f.acquire(b, w)
	if !got && e == 0 {
		if w.since == 0 {
			w.since = host.Monotonic()
		}
		w.state.Store(waitLock)
		b.pushFront(w, w.lock)
	}
	return got, e
}

// unlock releases a lock that is write-locked by tid and wakes who is next.
// EPERM when tid does not hold it for writing.
func (f *futexes) unlock(addr uint64, tid uint32) abi.Errno {
	b := f.lockBucket(addr)
	b.mu.Lock()
	w, e := f.unlockLocked(b, addr, tid)
	b.mu.Unlock()
	if w != nil {
		w.wake()
	}
	return e
}

// unlockLocked is unlock with the bucket held. The waiter it returns must be
// woken; doing so after the bucket is free saves that thread a wait.
func (f *futexes) unlockLocked(b *bucket, addr uint64, tid uint32) (*waiter, abi.Errno) {
	old, err := f.mem.Load32(addr)
	for {
		if err != nil {
			return nil, toErrno(err)
		}
		if old&^lockKernelManaged != lockWrlocked|tid {
			return nil, abi.EPERM
		}
		next := b.first(addr)
		val := b.successor(next, addr)
		var prev uint32
		prev, err = f.mem.CompareAndSwap32(addr, old, val)
		if err == nil && prev == old {
			return b.release(next, addr, val), 0
		}
		old = prev
	}
}

// successor returns the word that an unlock leaves behind when next is the oldest
// waiter: unlocked, unless it is handed to a starving writer or to the readers.
func (b *bucket) successor(next *waiter, addr uint64) uint32 {
	if next == nil {
		return 0
	}
	var val uint32
	var more bool
	if next.write {
		if host.Monotonic()-next.since < fairAfter {
			return 0 // it competes with whoever comes by
		}
		val, more = lockWrlocked|next.tid, after(next.next, addr) != nil
	} else {
		val, more = b.census(addr)
	}
	if more {
		val |= lockKernelManaged
	}
	return val
}

// release takes those off the queue whom the new word val lets go on.
func (b *bucket) release(next *waiter, addr uint64, val uint32) *waiter {
	switch {
	case next == nil:
		return nil
	case next.write:
		b.remove(next)
		if val == 0 {
			next.state.Store(waitRetry)
		} else {
			next.state.Store(waitGranted)
		}
		return next
	}
	b.grantReaders(addr)
	return nil
}

// grantReaders takes all readers of addr off the queue and lets them go on; the
// word already counts them.
func (b *bucket) grantReaders(addr uint64) {
	for w := b.first(addr); w != nil; {
		next := after(w.next, addr)
		if !w.write {
			b.remove(w)
			w.state.Store(waitGranted)
			w.wake()
		}
		w = next
	}
}

// abandon takes w off the queue of its lock because its time is up. It reports
// false when w is no longer queued: somebody has just let it go on.
func (f *futexes) abandon(w *waiter) bool {
	b := f.lockBucket(w.lock)
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.state.Load() != waitLock {
		return false
	}
	b.remove(w)
	w.state.Store(waitIdle)
	readers, writer := b.census(w.lock)
	switch {
	case writer:
		// The mark on the word stands.
	case readers == 0:
		f.update(w.lock, func(old uint32) uint32 {
			if old == lockBogus {
				return old
			}
			return old &^ lockKernelManaged
		})
	default:
		// Only readers are left. If it was w that they were waiting behind, not
		// an owner, nobody else would let them go on.
		granted := false
		f.update(w.lock, func(old uint32) uint32 {
			granted = old&lockWrlocked == 0 && old&lockCount+readers <= lockCount
			if !granted {
				return old
			}
			return old&^lockKernelManaged + readers
		})
		if granted {
			b.grantReaders(w.lock)
		}
	}
	return true
}

// update changes a guest word atomically. A word that has gone away is left to
// its owner's next system call, which will find out.
func (f *futexes) update(addr uint64, change func(uint32) uint32) {
	old, err := f.mem.Load32(addr)
	for err == nil {
		val := change(old)
		if val == old {
			return
		}
		var prev uint32
		prev, err = f.mem.CompareAndSwap32(addr, old, val)
		if err == nil && prev == old {
			return
		}
		old = prev
	}
}
