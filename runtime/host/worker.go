package host

import (
	"runtime"
	"sync/atomic"
)

// keepWorkers is how many operating-system threads may wait for the next guest
// thread. Others end with their guest thread.
const keepWorkers = 8

var (
	work        = make(chan func())
	idleWorkers atomic.Int32
	workers     atomic.Int32 // idle or not
	started     atomic.Bool  // there has been a guest thread
)

// Go runs fn on a goroutine that has an operating-system thread of its own.
// ErrNoThreads when the host refuses to give one (ThreadRoom). For the first of a
// process it does not ask: Go has just started some threads, and asking takes a
// fifth of the time of a launch.
func Go(fn func()) error {
	select {
	case work <- fn: // only if a worker waits
		return nil
	default:
	}
	if !started.CompareAndSwap(false, true) && !ThreadRoom() {
		return ErrNoThreads
	}
	go worker(fn)
	return nil
}

// worker serves guest threads one after the other. Its thread ends with it,
// because it stays locked: Go would keep an unlocked one for ever.
func worker(fn func()) {
	workers.Add(1)
	defer workers.Add(-1)
	runtime.LockOSThread()
	for {
		fn()
		if idleWorkers.Add(1) > keepWorkers {
			idleWorkers.Add(-1)
			return
		}
		fn = <-work
		idleWorkers.Add(-1)
	}
}
