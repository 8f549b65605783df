//go:build amd64 && (linux || windows)

package host

import (
	"testing"
	"time"
)

// TestGiveBack: a worker that was taken and not used ends when enough others wait, rather than
// wait for ever where nobody finds it.
func TestGiveBack(t *testing.T) {
	var w *worker
	if err := Go(func() {}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker waits", func() bool { w = takeWorker(); return w != nil })
	idle.Lock()
	waiting := idle.workers
	for idle.workers = nil; len(idle.workers) < KeepWorkers; {
		idle.workers = append(idle.workers, new(worker))
	}
	idle.Unlock()
	defer func() {
		idle.Lock()
		idle.workers = waiting
		idle.Unlock()
	}()
	before := workers.Load()
	w.giveBack()
	eventually(t, "it has ended", func() bool { return workers.Load() < before })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
