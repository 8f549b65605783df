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
		// Not where a count has been before: a thread that has read that, and does
		// not sleep yet, would take the new count for its own.
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
	w.shared.seq = old
	return toErrno(err)
}

// sleepShared waits for a signal since enterShared. It answers timedOut when until
// comes first. With errRestart it is to be called again.
func sleepShared(m sharedWords, w *waiter, until deadline) (timedOut bool, e abi.Errno) {
	switch m.sleep(w.condvar, w.shared.seq, classTurn, until, -1) {
	case host.FutexTimedOut:
		return true, 0
	case host.FutexInterrupted:
		return false, errRestart
	case host.FutexFault:
		return false, abi.EFAULT
	}
	return false, 0
}

// signalShared lets up to n waiters of a condition variable go on.
func signalShared(m sharedWords, addr uint64, n uint32) abi.Errno {
	old, err := m.Load32(addr)
	if err != nil || n == 0 {
		return toErrno(err)
	}
	if n < host.FutexAll {
		next := old
		for old != condvarNoWaiters {
			if next = old + 1; next == condvarNoWaiters {
				next++
			}
			prev, err := m.CompareAndSwap32(addr, old, next)
			if err != nil {
				return toErrno(err)
			}
			if prev == old {
				break
			}
			old = prev
		}
		if old == condvarNoWaiters || m.wake(addr, n, classTurn) == int(n) {
			return 0
		}
		// Nobody sleeps any more. Unless somebody has come meanwhile, the next
		// signal need not call the kernel.
		old = next
	}
	return clearShared(m, addr, old, n == host.FutexAll)
}

// clearShared marks a condition variable whose word was old as having no waiters,
// and wakes everyone who has come until then. With always it does so whatever the
// word is by now.
func clearShared(m sharedWords, addr uint64, old uint32, always bool) abi.Errno {
	for old != condvarNoWaiters {
		prev, err := m.CompareAndSwap32(addr, old, condvarNoWaiters)
		if err != nil {
			return toErrno(err)
		}
		if prev == old {
			m.wake(addr, host.FutexAll, classTurn)
			return 0
		}
		if !always {
			return 0
		}
		old = prev
	}
	return 0
}
