//go:build amd64

package host

import "golang.org/x/sys/unix"

// cpuTime reads the CPU-time clocks. They cost a system call: the host's vDSO
// does not serve them.
func cpuTime(c Clock) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(c.id(), &ts); err != nil {
		return 0, err
	}
	return ts.Nano(), nil
}

// Resolution returns the resolution of a clock in nanoseconds.
func Resolution(c Clock) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGetres(c.id(), &ts); err != nil {
		return 0, err
	}
	return ts.Nano(), nil
}

func (c Clock) id() int32 {
	switch c {
	case ClockRealtime:
		return unix.CLOCK_REALTIME
	case ClockMonotonic:
		return unix.CLOCK_MONOTONIC
	case ClockProcessCPU:
		return unix.CLOCK_PROCESS_CPUTIME_ID
	case ClockThreadCPU:
		return unix.CLOCK_THREAD_CPUTIME_ID
	}
	return -1
}
