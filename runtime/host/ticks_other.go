//go:build !(windows && amd64)

package host

import "time"

// Ticks is a clock for statistics, in units of its own: here, nanoseconds.
func Ticks() uint64 { return uint64(monotonic()) }

// TicksTime is how long n ticks are.
func TicksTime(n uint64) time.Duration { return time.Duration(n) }
