package host

// Clock names a host clock. The two wall clocks have the numbers that Park
// expects.
type Clock int32

const (
	ClockRealtime   Clock = 0
	ClockMonotonic  Clock = 1
	ClockProcessCPU Clock = 2
	ClockThreadCPU  Clock = 3
)

// Monotonic returns the time of ClockMonotonic in nanoseconds. Go's runtime reads
// it through the host's vDSO, without a system call; on Linux it is
// CLOCK_MONOTONIC itself, so it may be compared with Park's deadlines. On Windows it is the
// performance counter.
func Monotonic() int64 { return monotonic() }

// Now reads any clock, in nanoseconds. ClockThreadCPU is the clock of the calling
// operating-system thread, so the goroutine must be locked to it.
func Now(c Clock) (int64, error) {
	switch c {
	case ClockMonotonic:
		return Monotonic(), nil
	case ClockRealtime:
		return Realtime(), nil
	}
	return cpuTime(c)
}
