//go:build windows

package bench

import (
	"syscall"
	"unsafe"
)

var (
	kernel32    = syscall.NewLazyDLL("kernel32.dll")
	performance = kernel32.NewProc("QueryPerformanceCounter")
	nsPerCount  = 1e9 / float64(max(counter(kernel32.NewProc("QueryPerformanceFrequency")), 1))
)

// hostClock is a clock in nanoseconds, the one that guests get: Go's own moves with Windows' tick, 64 times a
// second at worst.
func hostClock() int64 { return int64(float64(counter(performance)) * nsPerCount) }

// counter calls what stores a number; neither of the two fails since Windows XP.
func counter(p *syscall.LazyProc) (v int64) {
	_, _, _ = syscall.SyscallN(p.Addr(), uintptr(unsafe.Pointer(&v)))
	return v
}
