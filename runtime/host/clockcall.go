package host

// Clocks are addresses of C functions that read clocks, need neither Go nor %fs, keep MXCSR and
// wait for nothing; all 0 where there are none.
type Clocks struct {
	Gettime uint64 // like clock_gettime

	// Or Windows' QueryPerformanceCounter and GetSystemTimePreciseAsFileTime, by its C convention.
	// CounterNS is how many nanoseconds a count is.
	Counter, SystemTime uint64
	CounterNS           int64
}
