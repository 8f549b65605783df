package host

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// KeepWorkers is how many operating-system threads may wait for the next guest
// thread. Others end with their guest thread.
const KeepWorkers = 16

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
	call event  // fn is there
	id   uint32 // of a Thread on it, or 0 where nobody can know before there is one
}

// takeWorker is one that waits, if one does: the latest, whose thread is the warmest.
func takeWorker() *worker {
	idle.Lock()
	defer idle.Unlock()
	n := len(idle.workers) - 1
	if n < 0 {
		return nil
	}
	w := idle.workers[n]
	idle.workers = idle.workers[:n]
	return w
}

// do makes the worker, which waits, run fn.
func (w *worker) do(fn func()) {
	w.fn = fn
	w.call.set()
}

// Begin runs fn with a Thread, as Go and NewThread do, on an operating-system thread that
// waits for such, and returns the Thread's identifier without having waited for it: on busy
// processors that takes a time slice. It returns 0, and has done nothing, if none waits.
func Begin(fn func(*Thread)) (id uint32) {
	w := takeWorker()
	if w == nil {
		return 0
	}
	id = w.id
	block, err := uint64(0), error(nil)
	if id != 0 {
		block, err = newBlock(0)
	}
	if id == 0 || err != nil {
		w.giveBack()
		return 0
	}
	w.do(func() { fn(threadIn(block)) })
	return id
}

// giveBack undoes takeWorker: the worker waits again, or ends where enough have come meanwhile.
func (w *worker) giveBack() {
	if !w.rest() {
		w.do(func() {})
	}
}

// rest has the worker wait, or reports that enough do.
func (w *worker) rest() bool {
	idle.Lock()
	defer idle.Unlock()
	if len(idle.workers) == KeepWorkers {
		return false
	}
	idle.workers = append(idle.workers, w)
	return true
}

// Go runs fn on a goroutine that has an operating-system thread of its own.
// ErrNoThreads when the host refuses to give one (ThreadRoom). For the first of a
// process it does not ask: Go has just started some threads, and asking takes a
// fifth of the time of a launch.
func Go(fn func()) error {
	if w := takeWorker(); w != nil {
		w.do(fn)
		return nil
	}
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
	w.id = workerID()
	for {
		w.fn()
		w.fn = nil
		if !w.rest() {
			return
		}
		w.call.wait()
	}
}
