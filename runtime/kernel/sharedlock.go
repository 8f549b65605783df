package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// sharedWords is what locks and condition variables of scope shared are made of:
// words that any process may map, and the host's futexes on them. See doc.go for
// the protocol.
type sharedWords interface {
	words
	// sleep blocks while the word is val, as host.Thread.FutexWait does: until a
	// wake for class, until has come, or the monotonic time look. It times out for
	// until only; when it is time to look it answers FutexChanged. A negative look
	// means never.
	sleep(addr uint64, val, class uint32, until deadline, look int64) host.FutexResult
	wake(addr uint64, n, class uint32) int
	// wakeCount wakes up to n if the word is val, as host.FutexWakeCount does.
	wakeCount(addr uint64, n, val uint32) (slept int, r host.FutexResult)
	now() int64 // monotonic ns
}

// Who a wake is for: bits of a futex's mask. Those who wait as classTurn are woken
// one at a time, and each sees to it that the next is; those who wait as
// classReader alone are woken together.
const (
	classTurn     = 1 << iota // writers, and readers who have waited for fairAfter
	classReader               // all readers
	classEveryone = classTurn | classReader
)

// patience is how long, in nanoseconds, a reader stays behind a writer that waits
// for other readers. The writer may be gone without a trace, with its process; or
// it waits for this very reader, which reads already and does not tell the kernel.
const patience = 100_000_000

// A sharedWait is the state of a wait for a lock of scope shared.
type sharedWait struct {
	since int64  // monotonic ns
	class uint32 // as which the thread slept
	woken bool   // it was woken, and has not tried since
	entry uint32 // the word of a condition variable when the wait for it began
}

// owes reports whether others may sleep who rely on this thread: it was woken in
// their place.
func (s *sharedWait) owes() bool { return s.woken && s.class&classTurn != 0 }

// lockShared acquires the lock of w. It answers timedOut when until comes first.
// With errRestart it is to be called again.
func lockShared(m sharedWords, w *waiter, until deadline) (timedOut bool, e abi.Errno) {
	for {
		old, err := m.Load32(w.lock)
		if err != nil {
			return false, toErrno(err)
		}
		a := w.attempt(old, m.now())
		if a.e != 0 {
			if w.shared.owes() {
				m.wake(w.lock, host.FutexAll, classEveryone)
			}
			return false, a.e
		}
		if a.val != old {
			prev, err := m.CompareAndSwap32(w.lock, old, a.val)
			if err != nil {
				return false, toErrno(err)
			}
			if prev != old {
				continue
			}
		}
		if a.got {
			if a.unmarked {
				m.wake(w.lock, host.FutexAll, classEveryone)
			}
			return false, 0
		}
		w.shared.class, w.shared.woken = a.class, false
		switch m.sleep(w.lock, a.val, a.class, until, a.look) {
		case host.FutexWoken:
			w.shared.woken = true
		case host.FutexTimedOut:
			giveUpShared(m, w)
			return true, 0
		case host.FutexInterrupted:
			return false, errRestart
		case host.FutexFault:
			return false, abi.EFAULT
		}
	}
}

// An attempt is what a thread makes of a lock word.
type attempt struct {
	val      uint32 // the new word
	got      bool   // the thread then has the lock; else it sleeps while the word is val
	unmarked bool   // everyone who sleeps must look, and mark the word again
	class    uint32 // for the sleep
	look     int64  // monotonic ns at which to try again unasked; negative = never
	e        abi.Errno
}

// attempt says what the thread makes of the word old at time now.
func (w *waiter) attempt(old uint32, now int64) attempt {
	s := &w.shared
	age := now - s.since
	switch {
	case old == lockBogus:
		return attempt{e: abi.EINVAL}
	case old&^lockKernelManaged == lockWrlocked|w.tid:
		return attempt{e: abi.EDEADLK}
	case old == 0 && w.write && s.owes():
		return attempt{val: lockWrlocked | lockKernelManaged | w.tid, got: true}
	case old == 0 && w.write:
		return attempt{val: lockWrlocked | w.tid, got: true}
	case w.write:
		return attempt{val: old | lockKernelManaged, class: classTurn, look: -1}
	case old&lockWrlocked == 0 && old&lockCount == lockCount:
		return attempt{e: abi.EAGAIN}
	case old&(lockWrlocked|lockKernelManaged) == 0:
		return attempt{val: old + 1, got: true, unmarked: s.owes()}
	case old&lockWrlocked == 0 && s.woken:
		return attempt{val: old + 1, got: true} // let in by an unlock, before that writer came
	case old&lockWrlocked == 0 && age >= patience:
		return attempt{val: old&^lockKernelManaged + 1, got: true, unmarked: true}
	}
	a := attempt{val: old | lockKernelManaged, class: classReader, look: s.since + fairAfter}
	if age >= fairAfter {
		a.class, a.look = classEveryone, -1
		if old&lockWrlocked == 0 {
			a.look = s.since + patience
		}
	}
	return a
}

// giveUpShared ends the wait of w without the lock, when it is not asleep. A mark
// that a writer has left on a read lock would keep readers out: it is taken away,
// and whoever else needs it sets it again.
func giveUpShared(m sharedWords, w *waiter) {
	if !w.write {
		return
	}
	old, err := m.Load32(w.lock)
	for err == nil && old&(lockWrlocked|lockKernelManaged) == lockKernelManaged && old != lockBogus {
		var prev uint32
		prev, err = m.CompareAndSwap32(w.lock, old, old&^lockKernelManaged)
		if err == nil && prev == old {
			m.wake(w.lock, host.FutexAll, classEveryone)
			return
		}
		old = prev
	}
}

// unlockShared releases a lock that is write-locked by tid and wakes the oldest
// writer, or else all readers. EPERM when tid does not hold it for writing.
func unlockShared(m sharedWords, addr uint64, tid uint32) abi.Errno {
	old, err := m.Load32(addr)
	for {
		if err != nil {
			return toErrno(err)
		}
		if old&^lockKernelManaged != lockWrlocked|tid {
			return abi.EPERM
		}
		var prev uint32
		prev, err = m.CompareAndSwap32(addr, old, 0)
		if err == nil && prev == old {
			break
		}
		old = prev
	}
	if old&lockKernelManaged != 0 && m.wake(addr, 1, classTurn) == 0 {
		m.wake(addr, host.FutexAll, classReader)
	}
	return 0
}
