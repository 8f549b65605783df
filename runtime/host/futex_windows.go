//go:build amd64

package host

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Windows has nothing by which a word of memory that two processes share wakes threads
// of both: for words of shared mappings see waitShared. Waiters for those of the process's
// own are found by the word's address.

// futexes are the threads that wait, in the order in which they came.
var futexes = futexTable{at: make(map[uint64][]*futexWaiter)}

type futexTable struct {
	sync.Mutex
	at map[uint64][]*futexWaiter
}

// A futexWaiter is a thread in FutexWait.
type futexWaiter struct {
	thread *Thread
	mask   uint32
	woken  bool // it is in no list any more
}

// FutexWait blocks the thread while the word at addr, in guest memory, is val,
// until a FutexWake with a bit of mask, the deadline or a kick. The deadline is in
// nanoseconds of ClockMonotonic or ClockRealtime, absolute; a negative one means
// none.
func (t *Thread) FutexWait(addr uint64, val, mask uint32, clock Clock, deadline int64) FutexResult {
	if k, ok := futexKeyOf(addr); ok {
		return t.waitShared(k, addr, val, mask, clock, deadline)
	}
	f := &futexes
	f.Lock()
	now, err := Load32(addr)
	if err != nil || now != val {
		f.Unlock()
		if err != nil {
			return FutexFault
		}
		return FutexChanged
	}
	w := &futexWaiter{thread: t, mask: mask}
	f.at[addr] = append(f.at[addr], w)
	f.Unlock()
	for {
		r := t.Park(clock, deadline)
		f.Lock()
		switch {
		case w.woken:
			atomic.StoreUint32(&t.park, 0) // the waker's Unpark, if Park has not had it
			f.Unlock()
			return FutexWoken
		case r == ParkTimedOut:
			f.remove(addr, w)
			f.Unlock()
			return FutexTimedOut
		case r == ParkInterrupted:
			f.remove(addr, w)
			f.Unlock()
			return FutexInterrupted
		}
		f.Unlock()
	}
}

// FutexWake makes up to n threads return from FutexWait for addr whose masks have a bit
// in common with mask, those that have waited longest first. It returns how many there
// were.
func FutexWake(addr uint64, n, mask uint32) int {
	if k, ok := futexKeyOf(addr); ok {
		return wakeShared(k, n, mask)
	}
	f := &futexes
	f.Lock()
	defer f.Unlock()
	return f.wake(addr, n, mask)
}

// FutexWakeCount makes up to n threads return from FutexWait for addr, whatever
// their masks, and tells how many slept there before, with FutexWoken. Nobody is
// woken when the word is not val, FutexChanged, or is none that can be slept on,
// FutexFault.
func FutexWakeCount(addr uint64, n, val uint32) (slept int, r FutexResult) {
	if k, ok := futexKeyOf(addr); ok {
		return wakeSharedCount(k, addr, n, val)
	}
	f := &futexes
	f.Lock()
	defer f.Unlock()
	now, err := Load32(addr)
	if err != nil {
		return 0, FutexFault
	}
	if now != val {
		return 0, FutexChanged
	}
	slept = len(f.at[addr])
	f.wake(addr, n, ^uint32(0))
	return slept, FutexWoken
}

func (f *futexTable) wake(addr uint64, n, mask uint32) (woken int) {
	for _, w := range append([]*futexWaiter(nil), f.at[addr]...) {
		if uint32(woken) == n {
			break
		}
		if w.mask&mask != 0 {
			f.remove(addr, w)
			w.woken = true
			w.thread.Unpark()
			woken++
		}
	}
	return woken
}

func (f *futexTable) remove(addr uint64, w *futexWaiter) {
	list := slices.DeleteFunc(f.at[addr], func(x *futexWaiter) bool { return x == w })
	if len(list) == 0 {
		delete(f.at, addr)
		return
	}
	f.at[addr] = list
}
