//go:build windows && amd64

package host

import (
	"syscall"
	"unsafe"
)

// Read by exception_windows_amd64.s, written once by SetStubs.
var stubEnterLo, stubEnterHi, stubExitLo, stubExitHi, stubAbort, stubFaultExit,
	stubClockLo, stubClockHi, stubClockStore, stubClockRedo uint64

// SetStubs tells the handlers where the stubs are. It must be called before the first
// thread enters the guest.
func SetStubs(s Stubs) {
	stubEnterLo, stubEnterHi = s.EnterLo, s.EnterHi
	stubExitLo, stubExitHi = s.ExitLo, s.ExitHi
	stubAbort, stubFaultExit = s.Abort, s.FaultExit
	stubClockLo, stubClockHi, stubClockStore, stubClockRedo = s.ClockLo, s.ClockHi, s.ClockStore, s.ClockRedo
}

// kickArgs is what kickRoutine works on.
type kickArgs struct {
	suspend, getContext, setContext, resume, setEvent uintptr

	thread  uintptr
	context uintptr // of the thread's block
	block   uintptr
	wake    uintptr // the event that the thread may be waiting for
}

var (
	procSuspendThread    = kernel32.NewProc("SuspendThread")
	procResumeThread     = kernel32.NewProc("ResumeThread")
	procGetThreadContext = kernel32.NewProc("GetThreadContext")
	procSetThreadContext = kernel32.NewProc("SetThreadContext")
	procSetEvent         = kernel32.NewProc("SetEvent")
)

// suspendAndLeave makes the thread leave translated code, and a wait for its event. From the suspension to the
// end of it nothing else runs on the calling thread, least of all Go's scheduler: the
// thread may have been stopped with a lock of it held.
func (t *Thread) suspendAndLeave() {
	a := kickArgs{
		suspend: procSuspendThread.Addr(), getContext: procGetThreadContext.Addr(),
		setContext: procSetThreadContext.Addr(), resume: procResumeThread.Addr(), setEvent: procSetEvent.Addr(),
		wake: uintptr(t.wake), thread: uintptr(t.handle), context: uintptr(t.block0 + contextAt), block: uintptr(t.block0 + blockAt),
	}
	_, _, _ = syscall.SyscallN(kickRoutinePC(), uintptr(unsafe.Pointer(&a)))
}

func kickRoutinePC() uintptr
func exceptionHandlerPC() uintptr
func continueHandlerPC() uintptr
