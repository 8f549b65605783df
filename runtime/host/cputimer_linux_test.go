//go:build amd64

package host

import (
	"testing"
	"time"
)

// A timer kicks the thread that works, again and again, until it is stopped; one that
// waits it leaves alone.
func TestCPUTimer(t *testing.T) {
	space(t)
	done := make(chan bool)
	err := Go(func() {
		defer close(done)
		th, err := NewThread(0)
		if err != nil {
			t.Error(err)
			return
		}
		defer th.Close()
		c, err := th.NewCPUTimer(time.Millisecond, time.Millisecond)
		if err != nil {
			t.Error(err)
			return
		}
		for i := range 5 {
			for begin := time.Now(); !th.Kicked(); {
				if time.Since(begin) > time.Minute {
					t.Errorf("kick %d has not come", i)
					c.Stop()
					return
				}
			}
			th.ClearKick()
		}
		c.Stop()
		for range 1000 { // a last one may still come
			th.ClearKick()
		}
		slow, err := th.NewCPUTimer(time.Hour, time.Hour)
		if err != nil {
			t.Error(err)
			return
		}
		defer slow.Stop()
		if r := th.Park(ClockMonotonic, Monotonic()+int64(20*time.Millisecond)); r != ParkTimedOut {
			t.Errorf("a thread that waited was kicked: %v", r)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-done
}
