package host

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// keepWorkers is how many operating-system threads may wait for the next guest
// thread. Others end with their guest thread.
const keepWorkers = 8

// idle holds the workers that wait for a guest thread.
var idle struct {
	sync.Mutex
	workers []*worker
}

var (
	started atomic.Bool  // there has been a guest thread
	workers atomic.Int32 // idle or not
)

// A worker is an operating-system thread for guest threads, one after the other.
type worker struct {
	fn   func()
	call event // fn is there
}

// Go runs fn on a goroutine that has an operating-system thread of its own.
// ErrNoThreads when the host refuses to give one (ThreadRoom). For the first of a
// process it does not ask: Go has just started some threads, and asking takes a
// fifth of the time of a launch.
func Go(fn func()) error {
	idle.Lock()
	if n := len(idle.workers) - 1; n >= 0 { // the latest: its thread is the warmest
		w := idle.workers[n]
		idle.workers = idle.workers[:n]
		idle.Unlock()
		w.fn = fn
		w.call.set()
		return nil
	}
	idle.Unlock()
	if !started.CompareAndSwap(false, true) && !ThreadRoom() {
		return ErrNoThreads
	}
	go (&worker{fn: fn}).serve()
	return nil
}

// serve runs guest threads. The worker's thread ends with it, because it stays
// locked: Go would keep an unlocked one for ever.
func (w *worker) serve() {
	workers.Add(1)
	defer workers.Add(-1)
	runtime.LockOSThread()
	for {
		w.fn()
		w.fn = nil
		idle.Lock()
		if len(idle.workers) == keepWorkers {
			idle.Unlock()
			return
		}
		idle.workers = append(idle.workers, w)
		idle.Unlock()
		w.call.wait()
	}
}
