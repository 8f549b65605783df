package runtime

import (
	"testing"
	"time"
)

// TestStopwatch: what goes by while it stands is not taken off.
func TestStopwatch(t *testing.T) {
	var w stopwatch
	begin := time.Now()
	w.begin(time.Hour)
	w.watch(func() { t.Error("an hour is over") })
	const stood = 20 * time.Millisecond
	for range 2 {
		w.hold()
		rest := w.left()
		time.Sleep(stood)
		if w.hold(); w.left() != rest {
			t.Errorf("%v were left, and %v later", rest, w.left())
		}
		w.goOn()
		w.goOn()
	}
	if d := w.until.Sub(begin); d < time.Hour+2*stood {
		t.Errorf("it is over after %v", d)
	}
	over := make(chan bool)
	w.hold()
	w.rest = 0
	w.watch(func() { close(over) })
	w.goOn()
	<-over
	w.end()
	w.hold()
	w.goOn() // nobody is told once more
}
