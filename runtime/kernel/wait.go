package kernel

import (
	"math"
	"runtime"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A deadline is a moment of a host clock in nanoseconds; a negative one never
// comes.
type deadline struct {
	clock host.Clock
	at    int64
}

var never = deadline{host.ClockMonotonic, -1}

// cpuPoll is how long, in nanoseconds, a wait for CPU time may go on too long.
const cpuPoll = 1_000_000

// clockSet is how long, in nanoseconds, it may take until a wait for descriptors and
// for a time of the realtime clock finds that the clock was set. Plain sleeps and
// waits for locks follow it at once.
const clockSet = 1_000_000_000

// newDeadline reads a clock subscription. A relative timeout starts now. One
// that lies beyond what the host can express never comes. EINVAL for a clock
// that does not exist; ENOTSUP for the thread's CPU time, which stands still
// while the thread waits.
func newDeadline(s *abi.SubClock) (deadline, abi.Errno) {
	var d deadline
	switch s.ClockID {
	case abi.ClockMonotonic:
		d.clock = host.ClockMonotonic
	case abi.ClockRealtime:
		d.clock = host.ClockRealtime
	case abi.ClockProcessCputimeID:
		d.clock = host.ClockProcessCPU
	case abi.ClockThreadCputimeID:
		return never, abi.ENOTSUP
	default:
		return never, abi.EINVAL
	}
	if s.Timeout > math.MaxInt64 {
		return never, 0
	}
	d.at = int64(s.Timeout)
	if s.Flags&abi.SubscriptionClockAbstime != 0 {
		return d, 0
	}
	if d.clock == host.ClockRealtime {
		d.clock = host.ClockMonotonic // setting the clock must not change a duration
	}
	now, err := host.Now(d.clock)
	if err != nil {
		return never, errnoOf(err)
	}
	if d.at > math.MaxInt64-now {
		return never, 0
	}
	d.at += now
	return d, 0
}

// left returns for how many nanoseconds to sleep before looking at the clock
// again: 0 when the moment has come, negative when it never does.
func (d deadline) left() int64 {
	if d.at < 0 {
		return -1
	}
	now, err := host.Now(d.clock)
	if err != nil || now >= d.at {
		return 0
	}
	left := d.at - now
	if d.clock == host.ClockRealtime {
		return min(left, clockSet)
	}
	if d.clock == host.ClockProcessCPU {
		// It cannot run faster than all processors together.
		return max(left/int64(runtime.NumCPU()), cpuPoll)
	}
	return left
}

// park sleeps until the thread is woken, kicked or d has come.
func (t *Thread) park(d deadline) host.ParkResult {
	if d.at < 0 || d.clock != host.ClockProcessCPU {
		return t.Host.Park(d.clock, d.at)
	}
	for {
		left := d.left()
		if left == 0 {
			return host.ParkTimedOut
		}
		r := t.Host.Park(host.ClockMonotonic, host.Monotonic()+left)
		if r != host.ParkTimedOut {
			return r
		}
	}
}

// await completes the wait that t.wait stands in: it returns when the lock has
// been acquired, or with timedOut when d came first (for a condition variable:
// with the lock acquired all the same). With errRestart the thread stays queued,
// and await is to be called again.
func (t *Thread) await(d deadline) (timedOut bool, e abi.Errno) {
	w, f := &t.wait, &t.proc.futex
	for {
		state := w.state.Load()
		switch state {
		case waitGranted:
			w.state.Store(waitIdle)
			return w.expired, 0
		case waitCondvarShared, waitLockShared:
			done, timedOut, e := t.awaitShared(d)
			if done {
				return timedOut, e
			}
			continue
		case waitRetry:
			if w.lockShared {
				// It begins only now to wait for the lock: it cannot be refused.
				_, _ = t.beginLock()
				continue
			}
			got, e := f.retry(w)
			if got || e != 0 {
				w.state.Store(waitIdle)
				return w.expired, e
			}
		}
		until := d
		if w.condvar != 0 && state != waitCondvar {
			until = never // signalled, or out of time: only the lock is missing
		}
		switch t.park(until) {
		case host.ParkInterrupted:
			return false, errRestart
		case host.ParkTimedOut:
			if w.condvar == 0 {
				if f.abandon(w) {
					return true, 0
				}
			} else if f.abandonCondvar(w) {
				w.expired = true
			}
		}
	}
}
