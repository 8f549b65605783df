//go:build !windows

package bench

import "time"

var clockBegan = time.Now()

// hostClock is a clock in nanoseconds.
func hostClock() int64 { return int64(time.Since(clockBegan)) }
