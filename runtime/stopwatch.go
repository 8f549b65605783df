package runtime

import (
	"sync"
	"time"
)

// A stopwatch is the time of Limits.Timeout. It stands still while a debugger has stopped
// the process. Its lock is a leaf.
type stopwatch struct {
	mu       sync.Mutex
	limited  bool
	until    time.Time     // while it runs
	rest     time.Duration // while it stands
	standing bool
	over     func() // nil before watch, and when nobody is to be told any more
	timer    *time.Timer
}

// begin starts it, unless limit is 0. It comes before the guest's first instruction, because a
// fork hands on what is left.
func (w *stopwatch) begin(limit time.Duration) {
	w.limited, w.until = limit > 0, time.Now().Add(limit)
}

// watch has over called when the time is over.
func (w *stopwatch) watch(over func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = over
	w.arm()
}

func (w *stopwatch) arm() {
	if w.limited && !w.standing && w.over != nil {
		w.timer = time.AfterFunc(time.Until(w.until), w.over)
	}
}

// hold lets it stand.
func (w *stopwatch) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.standing {
		w.standing, w.rest = true, time.Until(w.until)
		w.disarm()
	}
}

// goOn lets it run again.
func (w *stopwatch) goOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.standing {
		w.standing, w.until = false, time.Now().Add(w.rest)
		w.arm()
	}
}

// end forgets whom to tell.
func (w *stopwatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = nil
	w.disarm()
}

func (w *stopwatch) disarm() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// left is how much time there is.
func (w *stopwatch) left() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.standing {
		return w.rest
	}
	return time.Until(w.until)
}
