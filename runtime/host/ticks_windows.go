//go:build amd64

package host

import "time"

// Ticks is a clock for statistics, in units of its own: the CPU's time stamp counter, which takes 10 ns to
// read, where Go's own clock moves 64 times a second at worst, and the performance counter takes 34 ns at
// least from Go, and 114 under Wine.
func Ticks() uint64 { return cycles() }

// ticksBegan is when the program began, by both.
var ticksBegan = struct {
	cycles uint64
	ns     int64
}{cycles(), monotonic()}

// TicksTime is how long n ticks are, by the performance counter since the program began. Where the
// time stamp counter does not run evenly it is not exact.
func TicksTime(n uint64) time.Duration {
	passed := cycles() - ticksBegan.cycles
	if passed == 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(passed) * float64(monotonic()-ticksBegan.ns))
}

// cycles is the time stamp counter. Implemented in assembly.
func cycles() uint64
