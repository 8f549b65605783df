//go:build amd64

package host

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// watchEvents are the events by which the host watches one thread's accesses.
type watchEvents struct {
	mu     sync.Mutex
	fds    []int
	closed bool
}

// Bits of perf_event_attr that x/sys has no names for, and the kinds of access
// (include/uapi/linux/perf_event.h, hw_breakpoint.h).
const (
	perfRemoveOnExec = 1 << 36
	perfSigtrap      = 1 << 37
	watchWrite       = 2
	watchReadWrite   = 3
)

// SetWatches makes the thread stop behind each instruction that accesses memory in w:
// in the guest as for a fault, elsewhere by Block.Watched. Accesses of the host's kernel
// are not seen. It replaces what was watched before; the thread is outside the guest.
// Errors wrap ErrNoWatches when there is no way to watch, or not so much; then nothing
// is watched. Any goroutine may call it.
func (t *Thread) SetWatches(w []Watch) error {
	e := &t.watch
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drop()
	if e.closed {
		return nil
	}
	for _, x := range w {
		fd, err := watchThread(int(t.tid), x)
		if err != nil {
			e.drop()
			return fmt.Errorf("%w (perf_event_open: %w)", ErrNoWatches, err)
		}
		e.fds = append(e.fds, fd)
	}
	return nil
}

// watchThread has SIGTRAP sent to the thread itself, synchronously (Linux 5.13).
func watchThread(tid int, w Watch) (fd int, err error) {
	a := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_BREAKPOINT, Size: unix.PERF_ATTR_SIZE_VER7,
		Sample:  1,
		Bits:    unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv | perfRemoveOnExec | perfSigtrap,
		Bp_type: watchWrite, Ext1: w.Addr, Ext2: uint64(w.Len),
	}
	if w.Read {
		a.Bp_type = watchReadWrite
	}
	return unix.PerfEventOpen(&a, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// PauseWatches lets the thread access watched memory without a stop, until
// ResumeWatches.
func (t *Thread) PauseWatches() { t.watch.each(unix.PERF_EVENT_IOC_DISABLE) }

// ResumeWatches ends PauseWatches.
func (t *Thread) ResumeWatches() { t.watch.each(unix.PERF_EVENT_IOC_ENABLE) }

func (e *watchEvents) each(request uint) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, fd := range e.fds {
		_ = unix.IoctlSetInt(fd, request, 0) // cannot fail for an event that is open
	}
}

func (e *watchEvents) drop() {
	for _, fd := range e.fds {
		_ = unix.Close(fd)
	}
	e.fds = e.fds[:0]
}

// close ends watching for good.
func (e *watchEvents) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.drop()
}
