//go:build linux && amd64

package host

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// KickSignal interrupts guest threads: a signal that Linux never sends. It is no
// real-time signal, because those are refused when the user's signal queue is
// full, and Go leaves one blocked if the parent process had it blocked, while it
// unblocks this one and never gives it to os/signal. Its handler has no
// SA_RESTART, so that a blocked host call wakes.
const KickSignal = unix.SIGSTKFLT

// Read by the handlers in signal_linux_amd64.s, written once by SetStubs.
var (
	stubEnterLo, stubEnterHi, stubExitLo, stubExitHi, stubAbort, stubFaultExit uint64

	stubClockLo, stubClockHi, stubClockStore, stubClockRedo uint64

	oldHandler [65]uintptr // Go's handlers, by signal
)

// SetStubs tells the signal handlers where the stubs are. It must be called
// before the first Enter.
func SetStubs(s Stubs) {
	stubEnterLo, stubEnterHi = s.EnterLo, s.EnterHi
	stubExitLo, stubExitHi = s.ExitLo, s.ExitHi
	stubAbort, stubFaultExit = s.Abort, s.FaultExit
	stubClockLo, stubClockHi, stubClockStore, stubClockRedo = s.ClockLo, s.ClockHi, s.ClockStore, s.ClockRedo
}

func faultHandlerPC() uintptr
func kickHandlerPC() uintptr
func callOrder() bool

// sigactiont is the kernel's struct sigaction on amd64.
type sigactiont struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saRestart = 0x10000000
	sigmask   = 8 // bytes in the kernel's signal set
)

func rtSigaction(sig int, act, old *sigactiont) error {
	if _, _, e := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), sigmask, 0, 0); e != 0 {
		return e
	}
	return nil
}

// installSignals puts our handlers before Go's. Flags, mask and restorer stay
// Go's; only the handler's address changes.
func installSignals() error {
	if !accessOrder() || !callOrder() {
		panic("host: the linker has reordered the guarded access routines")
	}
	if err := checkBarrier(); err != nil {
		return err
	}
	for _, sig := range []unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGFPE, unix.SIGTRAP} {
		var act sigactiont
		if err := rtSigaction(int(sig), nil, &act); err != nil {
			return fmt.Errorf("cannot read the handler of %v: %w", sig, err)
		}
		oldHandler[sig] = act.handler
		act.handler = faultHandlerPC()
		if err := rtSigaction(int(sig), &act, nil); err != nil {
			return fmt.Errorf("cannot install the handler of %v: %w", sig, err)
		}
	}
	var act sigactiont
	if err := rtSigaction(int(unix.SIGSEGV), nil, &act); err != nil {
		return fmt.Errorf("cannot read a handler: %w", err)
	}
	act.handler = kickHandlerPC()
	act.flags &^= saRestart
	if err := rtSigaction(int(KickSignal), &act, nil); err != nil {
		return fmt.Errorf("cannot install the kick handler: %w", err)
	}
	return nil
}
