//go:build linux && amd64

package host

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A CPUTimer kicks a guest thread whenever it has used some CPU time. The host's
// timer sends KickSignal to the thread, whose handler sets Block.Kick. So a thread
// that waits is left alone, and one that works is found where it works.
type CPUTimer int32

// sigevent is the kernel's struct sigevent on amd64.
type sigevent struct {
	value  uint64
	signo  int32
	notify int32
	tid    int32
	_      [44]byte
}

const sigevThreadID = 4

// NewCPUTimer makes a timer of the calling thread that kicks it when it has used
// first more CPU time, and then after every further period. The host looks at such
// timers when its clock ticks, some 100 to 1,000 times a second: a kick may be that
// late, and one may stand for several periods.
func (t *Thread) NewCPUTimer(first, period time.Duration) (CPUTimer, error) {
	ev := sigevent{signo: int32(KickSignal), notify: sigevThreadID, tid: t.tid}
	var id int32
	if _, _, e := unix.RawSyscall(unix.SYS_TIMER_CREATE, unix.CLOCK_THREAD_CPUTIME_ID,
		uintptr(unsafe.Pointer(&ev)), uintptr(unsafe.Pointer(&id))); e != 0 {
		return 0, fmt.Errorf("cannot make a timer of a thread's CPU time: %w", e)
	}
	spec := unix.ItimerSpec{
		Interval: unix.NsecToTimespec(int64(period)), Value: unix.NsecToTimespec(int64(max(first, 1))),
	}
	if _, _, e := unix.RawSyscall6(unix.SYS_TIMER_SETTIME, uintptr(id), 0,
		uintptr(unsafe.Pointer(&spec)), 0, 0, 0); e != 0 {
		CPUTimer(id).Stop()
		return 0, fmt.Errorf("cannot set a timer of a thread's CPU time: %w", e)
	}
	return CPUTimer(id), nil
}

// Stop ends the timer. A last kick may still come.
func (c CPUTimer) Stop() {
	if _, _, e := unix.RawSyscall(unix.SYS_TIMER_DELETE, uintptr(c), 0, 0); e != 0 {
		panic("host: a timer that exists cannot be ended: " + e.Error())
	}
}
