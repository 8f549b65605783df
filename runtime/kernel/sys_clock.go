package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func hostClock(id uint64) (host.Clock, abi.Errno) {
	switch abi.Clockid(id) {
	case abi.ClockMonotonic:
		return host.ClockMonotonic, 0
	case abi.ClockProcessCputimeID:
		return host.ClockProcessCPU, 0
	case abi.ClockRealtime:
		return host.ClockRealtime, 0
	case abi.ClockThreadCputimeID:
		return host.ClockThreadCPU, 0
	}
	return 0, abi.EINVAL
}

func clockResGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	c, e := hostClock(a[0])
	if e != 0 {
		return 0, 0, e
	}
	ns, err := host.Resolution(c)
	return timestamp(ns), 0, errnoOf(err)
}

func clockTimeGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	if abi.Clockid(a[0]) == abi.ClockMonotonic { // by far the most frequent
		return uint64(host.Monotonic()), 0, 0
	}
	c, e := hostClock(a[0])
	if e != 0 {
		return 0, 0, e
	}
	var ns int64
	var err error
	if c == host.ClockThreadCPU {
		ns, err = t.Host.CPUTime()
	} else {
		ns, err = host.Now(c)
	}
	return timestamp(ns), 0, errnoOf(err)
}

// timestamp converts host nanoseconds; the ABI knows no time before 1970.
func timestamp(ns int64) uint64 { return uint64(max(ns, 0)) }

func randomGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	addr, n := a[0], a[1]
	if err := t.proc.mem.Check(addr, n, true); err != nil {
		return 0, 0, toErrno(err)
	}
	// An interrupted fill starts again: nobody has seen the first half.
	t.iov[0] = host.Iovec{Addr: addr, Len: n}
	_, _, e = t.transfer(t.iov[:1], true, func() (int, syscall.Errno) {
		_, he := t.Host.Random(addr, n)
		return 0, he
	})
	return 0, 0, e
}

// blocked converts the error of a host call that may block. EINTR is the mark of
// a kick here: interrupted has dealt with any other.
func (t *Thread) blocked(e syscall.Errno) abi.Errno {
	if e == syscall.EINTR {
		return errRestart
	}
	return fromHost(e)
}
