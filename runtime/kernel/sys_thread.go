package kernel

import (
	"math"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func threadCreate(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	p := t.proc
	if err := p.mem.CopyIn(t.buf[:abi.ThreadattrSize], a[0]); err != nil {
		return 0, 0, toErrno(err)
	}
	var attr abi.Threadattr
	attr.Decode(t.buf[:])
	if attr.StackLen < minStack {
		return 0, 0, abi.EINVAL
	}
	if attr.StackLen > math.MaxUint64-attr.Stack {
		return 0, 0, abi.EFAULT
	}
	// Of the rest, guard pages may be part.
	if err := p.mem.Check(attr.Stack+attr.StackLen-minStack, minStack, true); err != nil {
		return 0, 0, toErrno(err)
	}
	if err := p.Reserve(); err != nil {
		return 0, 0, toErrno(err)
	}
	top := (attr.Stack + attr.StackLen) &^ 15
	tid, err := p.engine.StartThread(attr.Entry, top, attr.Argument)
	if err != nil {
		p.Unreserve()
		return 0, 0, startErrno(err)
	}
	return uint64(tid), 0, 0
}

// minStack holds the return address that the entry finds on its stack, with room
// for aligning it.
const minStack = 32

// startErrno reduces an error of Engine.StartThread: what has no number of its
// own is the host's refusal.
func startErrno(err error) abi.Errno {
	if e, ok := err.(abi.Errno); ok {
		return e
	}
	return abi.EAGAIN
}

// threadExit unlocks the join lock when the thread has left: from then on its
// stack and its identifier may be anybody's.
func threadExit(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	t.Leave()
	// There is nobody left to report an error to.
	_ = t.unlock(a[0], abi.Scope(a[1]) == abi.ScopeShared)
	return 0, 0, errExitThread
}

func threadYield(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	t.Host.Yield()
	return 0, 0, 0
}

func threadTcbSet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	t.proc.engine.SetTCB(t, a[0])
	return 0, 0, 0
}

func validScope(s abi.Scope) bool { return s == abi.ScopePrivate || s == abi.ScopeShared }

func lockUnlock(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	scope := abi.Scope(a[1])
	if !validScope(scope) {
		return 0, 0, abi.EINVAL
	}
	return 0, 0, t.unlock(a[0], scope == abi.ScopeShared)
}

func condvarSignal(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	scope := abi.Scope(a[1])
	switch {
	case !validScope(scope):
		return 0, 0, abi.EINVAL
	case scope == abi.ScopeShared:
		return 0, 0, signalShared(&t.shared, a[0], uint32(a[2]))
	}
	return 0, 0, t.proc.futex.condvarSignal(a[0], uint32(a[2]))
}

func procExit(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	t.proc.Exit(abi.Exitcode(a[0]))
	return 0, 0, errExitProcess
}

// procRaise carries out the action of each signal (spec, "enum uint8 signal").
// There are no handlers: a signal ends the process, stops it, or does nothing.
func procRaise(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	sig := abi.Signal(a[0])
	switch sig {
	case abi.SIGCHLD, abi.SIGPIPE, abi.SIGURG, abi.SIGCONT:
		return 0, 0, 0 // a process that raises cont is not stopped
	case abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU:
		return 0, 0, errnoOf(host.StopProcess())
	}
	if sig < abi.SIGABRT || sig > abi.SIGXFSZ {
		return 0, 0, abi.EINVAL
	}
	t.proc.Kill(sig)
	return 0, 0, errExitProcess
}
