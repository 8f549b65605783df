//go:build amd64

package host

import (
	"runtime"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Thread is the host side of one guest thread: an operating-system thread to
// which its goroutine is locked, and a thread block at its %gs base.
type Thread struct {
	FSWord uint64 // address of the guest's %fs word: the initial %fs base
	block  *Block
	tid    int32
	tgid   int32
	park   uint32 // futex word of Park: 1 = an Unpark is pending
	closed atomic.Bool
	serve  func() uint64 // of Run
	until  unix.Timespec // of Park and Poll
	how    unix.OpenHow  // of openat2
	stat   unix.Stat_t   // of StatPath
	watch  watchEvents
	began  int64 // what its operating-system thread's CPU clock said before, in ns
}

// NewThread locks the calling goroutine to its operating-system thread and gives
// it a thread block, reached as the strategy in force says (UseTLS). One arch_prctl
// call per thread: the only system call that is ever spent on the thread register,
// but for the strategies that exchange %fs. tcb is the address that its TCB must
// have, as in the process that a forked guest comes from; 0 for any.
func NewThread(tcb uint64) (*Thread, error) {
	if tcb != 0 {
		tcb -= tcbOffset
	}
	word, err := newBlock(tcb)
	if err != nil {
		return nil, err
	}
	t, err := attached(word)
	if err != nil {
		freeBlock(word)
		runtime.UnlockOSThread()
		return nil, err
	}
	return t, nil
}

// attached is NewThread with the address of a thread block.
func attached(word uint64) (*Thread, error) {
	runtime.LockOSThread()
	t := &Thread{FSWord: word, block: (*Block)(pointer(word + BlockOffset))}
	t.tgid, t.tid = int32(unix.Getpid()), int32(unix.Gettid())
	t.block.HostMXCSR, t.block.MXCSR = DefaultMXCSR, DefaultMXCSR
	if err := t.Attach(); err != nil {
		return nil, err
	}
	threadEvents.Add(1)
	t.began, _ = cpuTime(ClockThreadCPU) // cannot fail for the calling thread
	return t, nil
}

// workerID is the ID that a Thread on the calling operating-system thread has.
func workerID() uint32 { return uint32(unix.Gettid()) }

// threadIn is NewThread with a thread block, on a worker: it has set its thread register
// before, and the host never refuses that.
func threadIn(word uint64) *Thread {
	t, err := attached(word)
	if err != nil {
		panic("host: " + err.Error())
	}
	return t
}

// CPUTime returns the CPU time of the guest thread, which is the calling one, in
// nanoseconds. An operating-system thread may have served others before.
func (t *Thread) CPUTime() (int64, error) {
	now, err := cpuTime(ClockThreadCPU)
	return now - t.began, err
}

// Current reports whether the caller runs on this thread.
func (t *Thread) Current() bool { return int(t.tid) == unix.Gettid() }

// Close gives the thread block back and unlocks the goroutine. It runs on the
// thread itself, outside the guest. Late kicks are harmless.
func (t *Thread) Close() {
	t.closed.Store(true)
	t.watch.close()
	if err := t.Detach(); err != nil {
		panic("host: " + err.Error())
	}
	threadEvents.Add(1)
	freeBlock(t.FSWord)
	runtime.UnlockOSThread()
}

// segmentCalls counts arch_prctl calls; threadEvents the beginnings and ends of
// threads, each of which needs one.
var segmentCalls, threadEvents atomic.Uint64

// TLSSwitches is the number of host system calls spent on thread registers at
// any other time than a thread's beginning or end, but for those in the stubs.
func TLSSwitches() uint64 {
	done := threadEvents.Load() // first: a thread that begins meanwhile counts too much, never too little
	return segmentCalls.Load() - done
}

// ID is the host's identifier of the thread: no two threads of the host have the
// same at a time. Another Thread may get it after Close. 1 to 2^22-1, the most
// that Linux has (PID_MAX_LIMIT).
func (t *Thread) ID() uint32 { return uint32(t.tid) }

// Block returns the private part of the thread block.
func (t *Thread) Block() *Block { return t.block }

// Kick makes the thread leave translated code at the next guest instruction
// boundary and makes a blocked Syscall or Park return early. It stays in force
// until ClearKick. Any goroutine may call it.
func (t *Thread) Kick() {
	if t.closed.Load() {
		return
	}
	atomic.StoreUint32(&t.block.Kick, 1)
	// A thread that has ended meanwhile makes tgkill fail; nothing to kick then.
	_ = unix.Tgkill(int(t.tgid), int(t.tid), KickSignal)
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

// Syscall performs a host system call that may block, with Go's scheduler told.
// A kick before or during it makes it return EINTR at once; a call that the
// kernel has completed is never reported as interrupted.
func (t *Thread) Syscall(trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, syscall.Errno) {
	r := blockingCall(&t.block.Kick, trap, a1, a2, a3, a4, a5, a6)
	if int64(r) < 0 && int64(r) > -4096 {
		return 0, syscall.Errno(-int64(r))
	}
	return r, 0
}
