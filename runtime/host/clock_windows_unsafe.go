//go:build windows && amd64

package host

import (
	"math/bits"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	procQueryPerformanceCounter   = kernel32.NewProc("QueryPerformanceCounter")
	procQueryPerformanceFrequency = kernel32.NewProc("QueryPerformanceFrequency")
	procSystemTime                = kernel32.NewProc("GetSystemTimePreciseAsFileTime")
)

// counterFrequency is what QueryPerformanceCounter counts in a second. It cannot fail
// since Windows XP.
var counterFrequency = sync.OnceValue(func() uint64 {
	var f int64
	_, _, _ = procQueryPerformanceFrequency.Call(uintptr(unsafe.Pointer(&f)))
	return uint64(max(f, 1))
})

// monotonic is the performance counter in nanoseconds: Go's own clock moves with
// Windows' tick, 64 times a second at worst.
func monotonic() int64 {
	var c int64
	// Not Call, which has its arguments escape to the heap: that took a third of the time.
	_, _, _ = syscall.SyscallN(procQueryPerformanceCounter.Addr(), uintptr(unsafe.Pointer(&c)))
	hi, lo := bits.Mul64(uint64(c), uint64(time.Second))
	ns, _ := bits.Div64(hi, lo, counterFrequency())
	return int64(ns)
}

// Realtime returns nanoseconds since 1970-01-01T00:00:00Z, negative before.
func Realtime() int64 {
	var ft windows.Filetime
	windows.GetSystemTimePreciseAsFileTime(&ft)
	return ft.Nanoseconds()
}

// cpuTime reads the CPU-time clocks.
func cpuTime(c Clock) (int64, error) {
	var creation, exit, kernel, user windows.Filetime
	var err error
	switch c {
	case ClockProcessCPU:
		err = windows.GetProcessTimes(windows.CurrentProcess(), &creation, &exit, &kernel, &user)
	case ClockThreadCPU:
		err = threadTimes(&creation, &exit, &kernel, &user)
	default:
		err = syscall.EINVAL
	}
	if err != nil {
		return 0, err
	}
	return duration(kernel) + duration(user), nil
}

var procGetThreadTimes = kernel32.NewProc("GetThreadTimes")

func threadTimes(creation, exit, kernel, user *windows.Filetime) error {
	r, _, err := procGetThreadTimes.Call(uintptr(windows.CurrentThread()), uintptr(unsafe.Pointer(creation)),
		uintptr(unsafe.Pointer(exit)), uintptr(unsafe.Pointer(kernel)), uintptr(unsafe.Pointer(user)))
	if r == 0 {
		return err
	}
	return nil
}

// duration is a Filetime that is no date, in nanoseconds.
func duration(f windows.Filetime) int64 {
	return int64(uint64(f.HighDateTime)<<32|uint64(f.LowDateTime)) * 100
}

// Resolution returns the resolution of a clock in nanoseconds.
func Resolution(c Clock) (int64, error) {
	const tick = 15_625_000 // CPU time is counted by ticks of the clock, 64 a second
	switch c {
	case ClockRealtime:
		return 100, nil
	case ClockMonotonic:
		return max(int64(time.Second)/int64(counterFrequency()), 1), nil
	case ClockProcessCPU, ClockThreadCPU:
		return tick, nil
	}
	return 0, syscall.EINVAL
}

// memoryStatus is MEMORYSTATUSEX of sysinfoapi.h.
type memoryStatus struct {
	length, load                                                 uint32
	totalPhys, availPhys, totalPage, availPage, totalVirt, avail uint64
	extended                                                     uint64
}

var procGlobalMemoryStatusEx = kernel32.NewProc("GlobalMemoryStatusEx")

// availableMemory is how many bytes the process may still commit.
func availableMemory() (uint64, error) {
	m := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	if r, _, err := procGlobalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&m))); r == 0 {
		return 0, err
	}
	return m.availPage, nil
}
