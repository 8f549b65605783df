//go:build amd64

package host

import (
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// A thread that waits for descriptors waits for the event that also ends Park. It is set
// when what it waits for may have changed, and when the thread is kicked. It looks again
// each time, so that a signal too many does no harm.

// ioWait is what a Thread makes calls with that may block.
type ioWait struct {
	done  windows.Handle // manual-reset event: an overlapped transfer has ended
	mu    sync.Mutex
	chunk []byte // of streamChunk bytes, for readStream; nil until it is needed
	calls bool   // a call is in progress that CancelSynchronousIo ends
}

// interrupt ends a call that the thread is in, or makes it look for the kick first. It is
// called after the kick has been set.
func (w *ioWait) interrupt(thread windows.Handle) {
	if w.cancel(thread) {
		go func() { // the call may not have begun yet
			for w.cancel(thread) {
				time.Sleep(time.Millisecond)
			}
		}()
	}
}

// cancel tries to end a call in progress, and tells whether there is one.
func (w *ioWait) cancel(thread windows.Handle) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls {
		_, _, _ = procCancelSynchronousIo.Call(uintptr(thread))
	}
	return w.calls
}

var procCancelSynchronousIo = kernel32.NewProc("CancelSynchronousIo")

// begin is called before a call that may block. EINTR if the thread is kicked already.
func (t *Thread) begin() syscall.Errno {
	t.io.mu.Lock()
	defer t.io.mu.Unlock()
	if t.Kicked() {
		return syscall.EINTR
	}
	t.io.calls = true
	return 0
}

// end is called after it.
func (t *Thread) end() {
	t.io.mu.Lock()
	t.io.calls = false
	t.io.mu.Unlock()
}

// A deadline is a time of Monotonic; negative is never.
type deadline int64

// after is the deadline a relative timeout of nanoseconds stands for.
func after(timeout int64) deadline {
	if timeout < 0 {
		return -1
	}
	now := Monotonic()
	if timeout > 1<<62-now {
		return -1
	}
	return deadline(now + timeout)
}

// left is what remains of it, at most limit, rounded up to milliseconds, the unit the
// system waits in.
func (d deadline) left(limit time.Duration) uint32 {
	ms := int64(limit / time.Millisecond)
	if d >= 0 {
		ms = min(ms, max(0, (int64(d)-Monotonic()+999_999)/1_000_000))
	}
	return uint32(ms)
}

func (d deadline) passed() bool { return d >= 0 && Monotonic() >= int64(d) }

// longest bounds one wait whose end the event tells; shortest one for what can only be
// looked at again.
const (
	longest  = time.Hour
	shortest = 5 * time.Millisecond
)

// sleep waits for the thread's event or for more handles, of which there are at most 63.
// EINTR when the thread is kicked.
func (t *Thread) sleep(until deadline, limit time.Duration, more ...windows.Handle) syscall.Errno {
	if t.Kicked() {
		return syscall.EINTR
	}
	ms := until.left(limit)
	var err error
	if len(more) == 0 {
		_, err = windows.WaitForSingleObject(t.wake, ms)
	} else {
		_, err = windows.WaitForMultipleObjects(append([]windows.Handle{t.wake}, more...), false, ms)
	}
	if err != nil && err != syscall.Errno(windows.WAIT_TIMEOUT) {
		return errnoIn(err)
	}
	if t.Kicked() {
		return syscall.EINTR
	}
	return 0
}
