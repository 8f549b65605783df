//go:build amd64

package host

import (
	"slices"
	"sync"

	"golang.org/x/sys/windows"
)

// watchers are the events of threads that wait for a change of something. The lock is
// that of the thing.
type watchers []windows.Handle

// wake makes all of them look again. The lock is held.
func (w watchers) wake() {
	for _, h := range w {
		_ = windows.SetEvent(h)
	}
}

// add and remove take the lock.
func (w *watchers) add(mu *sync.Mutex, h windows.Handle) {
	mu.Lock()
	*w = append(*w, h)
	mu.Unlock()
}

func (w *watchers) remove(mu *sync.Mutex, h windows.Handle) {
	mu.Lock()
	if i := slices.Index(*w, h); i >= 0 {
		*w = slices.Delete(*w, i, i+1)
	}
	mu.Unlock()
}
