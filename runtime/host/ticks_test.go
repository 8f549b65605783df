package host

import (
	"testing"
	"time"
)

// TestTicks: ticks last as long as the monotonic clock says, and are finer than Windows' own tick.
func TestTicks(t *testing.T) {
	changes := 0
	begin, ticks := Monotonic(), Ticks()
	for last := ticks; Monotonic()-begin < int64(20*time.Millisecond); {
		if now := Ticks(); now != last {
			last = now
			changes++
		}
	}
	took := TicksTime(Ticks() - ticks)
	if limit := time.Duration(Monotonic() - begin); took < 15*time.Millisecond || took > limit*5/4 {
		t.Errorf("%v passed in %v", took, limit)
	}
	if changes < 100 {
		t.Errorf("the clock changed %d times in 20 ms", changes)
	}
}
