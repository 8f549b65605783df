//go:build linux && amd64

package runtime_test

import (
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigevent is the kernel's struct sigevent for SIGEV_THREAD_ID.
type sigevent struct {
	value       uint64
	signo, kind int32
	tid         int32
	_           [11]int32
}

// itimerspec is the kernel's.
type itimerspec struct{ every, first unix.Timespec }

// addTimer sends a signal to a thread of this process over and over, exactly as Go's
// profiler has it done, but by wall time: that of the CPU comes in ticks.
func addTimer(tid int, sig unix.Signal, every time.Duration) (id int32, err error) {
	const sigevThreadID = 4
	ev := sigevent{signo: int32(sig), kind: sigevThreadID, tid: int32(tid)}
	if _, _, e := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ev)),
		uintptr(unsafe.Pointer(&id))); e != 0 {
		return 0, e
	}
	ts := unix.NsecToTimespec(int64(every))
	spec := itimerspec{ts, ts}
	if _, _, e := unix.Syscall6(unix.SYS_TIMER_SETTIME, uintptr(id), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); e != 0 {
		return 0, e
	}
	return id, nil
}

// volleys interrupts every thread of this process with SIGPROF, as often as a second
// has tenths of a millisecond, and less often with SIGURG and a signal that is nobody's,
// until the returned function is called.
func volleys(t testing.TB) (stop func()) {
	t.Helper()
	quit, done := make(chan struct{}), make(chan struct{})
	var ids []int32
	begin := func(tid int) {
		for sig, every := range map[unix.Signal]time.Duration{
			unix.SIGPROF: 100 * time.Microsecond, unix.SIGURG: 313 * time.Microsecond, unix.SIGWINCH: 1057 * time.Microsecond,
		} {
			if id, err := addTimer(tid, sig, every); err == nil { // else the thread has ended
				ids = append(ids, id)
			}
		}
	}
	go func() {
		defer close(done)
		known := make(map[int]bool)
		for {
			for _, tid := range threadIDs(t) {
				if !known[tid] {
					known[tid] = true
					begin(tid)
				}
			}
			select {
			case <-quit:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		t.Logf("%d timers", len(ids))
		for _, id := range ids {
			if _, _, e := unix.Syscall(unix.SYS_TIMER_DELETE, uintptr(id), 0, 0); e != 0 {
				t.Errorf("delete a timer: %v", e)
			}
		}
	}
}
