package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// threadWords is sharedWords as one thread has it.
type threadWords struct {
	words
	host *host.Thread
}

func (s *threadWords) sleep(addr uint64, val, class uint32, until deadline, look int64) host.FutexResult {
	clock, at := until.clock, until.at
	if at < 0 {
		clock, at = host.ClockMonotonic, look
	} else if look >= 0 || clock == host.ClockProcessCPU {
		left := until.left()
		if left == 0 {
			return host.FutexTimedOut
		}
		// The earlier of the two, which may be of different clocks; CPU time is
		// looked at now and then.
		end := host.Monotonic() + left
		if look >= 0 && look < end {
			end = look
		}
		clock, at = host.ClockMonotonic, end
	}
	r := s.host.FutexWait(addr, val, class, clock, at)
	if r == host.FutexTimedOut && until.left() != 0 {
		return host.FutexChanged
	}
	return r
}

func (s *threadWords) wake(addr uint64, n, class uint32) int { return host.FutexWake(addr, n, class) }

func (s *threadWords) wakeCount(addr uint64, n, val uint32) (slept int, r host.FutexResult) {
	return host.FutexWakeCount(addr, n, val)
}

func (s *threadWords) now() int64 { return host.Monotonic() }

// unlock releases a lock of either scope. EPERM when the thread does not hold it
// for writing.
func (t *Thread) unlock(addr uint64, shared bool) abi.Errno {
	if shared {
		return unlockShared(&t.shared, addr, t.wait.tid)
	}
	return t.proc.futex.unlock(addr, t.wait.tid)
}

// beginLock starts the wait of t.wait for its lock; await goes on.
func (t *Thread) beginLock() (got bool, e abi.Errno) {
	w := &t.wait
	if !w.lockShared {
		return t.proc.futex.lockOrQueue(w)
	}
	w.shared.since, w.shared.woken = t.shared.now(), false
	w.state.Store(waitLockShared)
	return false, 0
}

// beginCondvar starts the wait of t.wait for its condition variable, and releases
// its lock; await goes on.
func (t *Thread) beginCondvar(shared bool) abi.Errno {
	w := &t.wait
	if !shared {
		return t.proc.futex.condvarWait(w, &t.shared)
	}
	if e := enterShared(&t.shared, w); e != 0 {
		return e
	}
	if e := t.proc.futex.unlockFor(w, &t.shared); e != 0 {
		leaveShared(&t.shared, w)
		return e
	}
	w.since = 0
	w.state.Store(waitCondvarShared)
	return 0
}

// awaitShared is await while t.wait is in one of the shared states. With done
// false, await goes on.
func (t *Thread) awaitShared(d deadline) (done, timedOut bool, e abi.Errno) {
	w := &t.wait
	if w.state.Load() == waitCondvarShared {
		w.expired, e = sleepShared(&t.shared, w, d)
		if e == errRestart {
			return true, false, e
		}
		if e != 0 {
			w.state.Store(waitIdle)
			return true, false, e
		}
		w.state.Store(waitRetry)
		return false, false, 0
	}
	if w.condvar != 0 {
		d = never
	}
	timedOut, e = lockShared(&t.shared, w, d)
	if e != errRestart {
		w.state.Store(waitIdle)
	}
	return true, timedOut || w.expired, e
}

// leaveWait takes the thread out of a wait that its process does not finish.
func (t *Thread) leaveWait() {
	switch t.wait.state.Load() {
	case waitLockShared:
		giveUpShared(&t.shared, &t.wait)
	case waitCondvarShared:
		leaveShared(&t.shared, &t.wait)
	}
}
