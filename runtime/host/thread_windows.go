//go:build amd64

package host

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// A Thread is the host side of one guest thread: an operating-system thread to
// which its goroutine is locked, and a thread block that a TLS slot leads to.
type Thread struct {
	FSWord uint64 // address of the guest's %fs word: the initial %fs base
	block  *Block
	block0 uint64 // where the thread block's memory begins
	base   uint64 // what the stubs count the thread block's fields from
	tid    uint32
	handle windows.Handle
	wake   windows.Handle // an event: Park, or a call that a kick ends, is to return
	park   uint32         // 1 = an Unpark is pending
	shared windows.Handle // an event, named, once it has been in waitShared
	serve  func() uint64  // of Run
	began  int64          // what its operating-system thread's CPU clock said before, in ns

	io ioWait

	kicks  sync.Mutex
	closed bool // under kicks
}

// NewThread locks the calling goroutine to its operating-system thread and gives
// it a thread block, reached as the strategy in force says (UseTLS). tcb is the address
// that its TCB must have, as in the process that a forked guest comes from; 0 for any.
// Where the thread's %fs word lies is Windows' choice.
func NewThread(tcb uint64) (t *Thread, err error) {
	b, err := newBlock(tcb)
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	t = &Thread{block0: b, base: b + blockAt - BlockOffset, block: (*Block)(pointer(b + blockAt))}
	t.tid = windows.GetCurrentThreadId()
	t.block.HostMXCSR, t.block.MXCSR = DefaultMXCSR, DefaultMXCSR
	self := windows.CurrentProcess()
	err = windows.DuplicateHandle(self, windows.CurrentThread(), self, &t.handle, 0, false, windows.DUPLICATE_SAME_ACCESS)
	if err == nil {
		t.wake, err = windows.CreateEvent(nil, 0, 0, nil)
	}
	if err == nil {
		t.io.done, err = windows.CreateEvent(nil, 1, 0, nil)
	}
	if err == nil {
		err = t.Attach()
	}
	if err != nil {
		t.release()
		return nil, fmt.Errorf("cannot make a guest thread: %w", err)
	}
	t.began, _ = cpuTime(ClockThreadCPU) // cannot fail for the calling thread
	t.watched()
	return t, nil
}

func (t *Thread) release() {
	for _, h := range []windows.Handle{t.handle, t.wake, t.io.done, t.shared} {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
	}
	freeBlock(t.block0)
	runtime.UnlockOSThread()
}

// CPUTime returns the CPU time of the guest thread, which is the calling one, in
// nanoseconds. An operating-system thread may have served others before.
func (t *Thread) CPUTime() (int64, error) {
	now, err := cpuTime(ClockThreadCPU)
	return now - t.began, err
}

// Current reports whether the caller runs on this thread.
func (t *Thread) Current() bool { return t.tid == windows.GetCurrentThreadId() }

// Close gives the thread block back and unlocks the goroutine. It runs on the
// thread itself, outside the guest. Late kicks are harmless.
func (t *Thread) Close() {
	t.kicks.Lock()
	t.closed = true
	t.kicks.Unlock()
	_ = t.Detach() // never fails
	t.unwatched()
	t.release()
}

// ID is the host's identifier of the thread: no two threads of the host have the
// same at a time. Another Thread may get it after Close. 1 to 2^30-1: they are small
// multiples of 4.
func (t *Thread) ID() uint32 { return t.tid & (1<<30 - 1) }

// Block returns the private part of the thread block.
func (t *Thread) Block() *Block { return t.block }

// suspending is held while a thread is suspended: two that suspend one another would
// never go on.
var suspending sync.Mutex

// Kick makes the thread leave translated code at the next guest instruction
// boundary and makes a blocked Park or call return early. It stays in force
// until ClearKick. Any goroutine may call it.
func (t *Thread) Kick() {
	t.kicks.Lock()
	defer t.kicks.Unlock()
	if t.closed {
		return
	}
	if atomic.SwapUint32(&t.block.Kick, 1) != 0 {
		return // whoever has set it has done all this
	}
	if t.Current() {
		return // the stub, or the call that it is about to make, sees it
	}
	suspending.Lock()
	t.suspendAndLeave()
	suspending.Unlock()
	t.io.interrupt(t.handle)
}

// Kicked reports whether a kick is in force.
func (t *Thread) Kicked() bool { return atomic.LoadUint32(&t.block.Kick) != 0 }

// ClearKick ends a kick. Only the thread itself calls it, when it has seen
// whatever the kick was for.
func (t *Thread) ClearKick() { atomic.StoreUint32(&t.block.Kick, 0) }

// InGuest reports whether the thread runs translated code or a stub, or has left
// without having looked its state up in the source map. The answer is reliable
// for a kicked thread after Barrier: it then turns false for good until the kick
// is cleared.
func (t *Thread) InGuest() bool { return atomic.LoadUint32(&t.block.State) != StateHost }

// Settled notes that the thread, which has left the guest by a fault or a kick,
// no longer needs the source map. Only the thread itself calls it.
func (t *Thread) Settled() { atomic.StoreUint32(&t.block.State, StateHost) }

// Yield gives the processor to another thread of the host.
func (t *Thread) Yield() { _, _, _ = procSwitchToThread.Call() }

var procSwitchToThread = kernel32.NewProc("SwitchToThread")

// ThreadRoom tells whether this process gets an operating-system thread for another
// guest thread: Go ends the program when it does not. Windows has no limit of threads
// but memory, of which Go reserves some for each.
func ThreadRoom() bool {
	const each = 1 << 20 // bytes of memory that a thread, and one that Go may want, need at most
	avail, err := availableMemory()
	return err == nil && avail > 64*each
}

// workerID answers that it does not know: the host may still refuse the handles that a Thread needs.
func workerID() uint32 { return 0 }

func threadIn(uint64) *Thread { panic("host: a worker without an identifier has been used by it") }
