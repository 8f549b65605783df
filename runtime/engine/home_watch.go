package engine

import "time"

// strayTime is how long a thread may be in a loop of the host's before it is found there.
const strayTime = time.Second

// watchStrays kicks every thread that is in the guest once in strayTime, until stop is
// closed: one that a wild jump has led out of the guest's memory, and that has not met a
// fault, ends by it (onKick). A thread that is where it should be goes on, some
// microseconds later.
func (e *Engine) watchStrays(stop <-chan struct{}) {
	tick := time.NewTicker(strayTime)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		e.threadsMu.Lock()
		for t := range e.threads {
			if t.host.InGuest() {
				t.host.Kick()
			}
		}
		e.threadsMu.Unlock()
	}
}
