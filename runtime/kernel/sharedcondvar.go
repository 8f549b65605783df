package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// enterShared notes in the word of the condition variable of w that somebody may
// wait, before the lock is released.
func enterShared(m sharedWords, w *waiter) abi.Errno {
	old, err := m.Load32(w.condvar)
	for err == nil && old == condvarNoWaiters {
		// Not a value that the word has had: a thread that has read that, and does
		// not sleep yet, must see that it was woken.
		fresh := uint32(m.now())
		if fresh == condvarNoWaiters {
			fresh++
		}
		var prev uint32
		prev, err = m.CompareAndSwap32(w.condvar, old, fresh)
		if err == nil && prev == old {
			prev = fresh
		}
		old = prev
	}
	w.shared.entry = old
	return toErrno(err)
}

// sleepShared waits for a signal since enterShared. It answers timedOut when until
// comes first. With errRestart it is to be called again.
func sleepShared(m sharedWords, w *waiter, until deadline) (timedOut bool, e abi.Errno) {
	switch m.sleep(w.condvar, w.shared.entry, classTurn, until, -1) {
	case host.FutexTimedOut:
		leaveShared(m, w)
		return true, 0
	case host.FutexInterrupted:
		return false, errRestart
	case host.FutexFault:
		return false, abi.EFAULT
	}
	return false, 0
}

// leaveShared ends the wait of w, which is not asleep, without a signal.
func leaveShared(m sharedWords, w *waiter) {
	// A word that has gone away says nothing any more.
	if old, err := m.Load32(w.condvar); err == nil {
		_ = wakeShared(m, w.condvar, 0, old)
	}
}

// signalShared lets up to n waiters of a condition variable go on.
func signalShared(m sharedWords, addr uint64, n uint32) abi.Errno {
	old, err := m.Load32(addr)
	if err != nil || n == 0 {
		return toErrno(err)
	}
	return wakeShared(m, addr, n, old)
}

// wakeShared wakes up to n waiters of a condition variable whose word is old. When
// that leaves nobody asleep, the word says so before they are awake: one of them may
// be about to destroy it. Those who have entered and do not sleep yet find the word
// changed, and those who have just fallen asleep are woken.
func wakeShared(m sharedWords, addr uint64, n, old uint32) abi.Errno {
	var err error
	for err == nil && old != condvarNoWaiters {
		more, woken, r := wakeSome(m, addr, n, old)
		if woken {
			n = 0
		}
		switch {
		case r == host.FutexChanged:
			old, err = m.Load32(addr)
			continue
		case r == host.FutexFault:
			return abi.EFAULT
		case more:
			return 0
		}
		var prev uint32
		prev, err = m.CompareAndSwap32(addr, old, condvarNoWaiters)
		if err == nil && prev == old {
			m.wake(addr, host.FutexAll, classTurn)
			return 0
		}
		old = prev
	}
	return toErrno(err)
}

// wakeSome wakes n waiters if there are more, and tells whether there were, unless
// others have left meanwhile, and whether it did.
func wakeSome(m sharedWords, addr uint64, n, old uint32) (more, woken bool, r host.FutexResult) {
	if n == host.FutexAll {
		return false, false, host.FutexWoken
	}
	slept, r := m.wakeCount(addr, 0, old)
	if n == 0 || r != host.FutexWoken || slept <= int(n) {
		return slept > int(n), false, r
	}
	slept, r = m.wakeCount(addr, n, old)
	return slept > int(n), r == host.FutexWoken, r
}
