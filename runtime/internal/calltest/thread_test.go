package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

const (
	wrlocked = uint64(abi.LockWrlocked)
	managed  = uint64(abi.LockKernelManaged)
)

// locked is a subscription for a lock.
func locked(addr uint64, scope abi.Scope, typ abi.Eventtype) abi.Subscription {
	return abi.Subscription{Userdata: 0x10c, Type: typ, Lock: abi.SubLock{Lock: addr, Scope: scope}}
}

// signalled is a subscription for a condition variable.
func signalled(cond uint64, condScope abi.Scope, lock uint64, lockScope abi.Scope) abi.Subscription {
	return abi.Subscription{Userdata: 0xc0d, Type: abi.EventtypeCondvar, Condvar: abi.SubCondvar{
		Condvar: cond, Lock: lock, CondvarScope: condScope, LockScope: lockScope}}
}

// hold takes a free lock the way the C library does.
func hold(addr uint64) Step { return Store(addr, 4, Tid().Plus(wrlocked)) }

// pollTo polls like poll, with the events at a place of this thread's own.
func pollTo(at uint64, subs ...abi.Subscription) *CallStep {
	return Call(abi.CallPoll, subs, At(at, 1), len(subs))
}

func TestThread(t *testing.T) {
	attr := func(entry, stack, size uint64) abi.Threadattr {
		return abi.Threadattr{Entry: entry, Stack: stack, StackLen: size}
	}
	Run(t, []Test{
		T("yield", Call(abi.CallThreadYield)),
		T("threads have identifiers",
			Thread(0, Check(Tid(), NotEqual, 0), Check(Tid(), Below, 1<<30), Set(1, Tid())),
			Wait(0), Check(Var(1), Equal, TidOf(0)), Check(Tid(), NotEqual, TidOf(0))),
		T("many threads", Thread(0, Store(Mem(0), 4, 1)), Thread(1, Store(Mem(4), 4, 1)), Thread(2, Store(Mem(8), 4, 1)),
			Wait(0), Wait(1), Wait(2), Holds(Mem(0), "\x01\x00\x00\x00\x01\x00\x00\x00\x01")),
		T("no stack", Call(abi.CallThreadCreate, attr(Mem(0), Mem(0), 0)).Err(abi.EINVAL)),
		T("a stack that is not there", Call(abi.CallThreadCreate, attr(Mem(0), Free, page)).Err(abi.EFAULT)),
		T("a stack that cannot be written", Call(abi.CallThreadCreate, attr(Mem(0), ReadOnly, page)).Err(abi.EFAULT)),
		T("a stack that wraps", Call(abi.CallThreadCreate, attr(Mem(0), Mem(0), ^uint64(0))).Err(abi.EFAULT)),
		T("a stack far outside", Call(abi.CallThreadCreate, attr(Mem(0), 1<<47, page)).Err(abi.EFAULT)),
		T("raise of what is ignored",
			Call(abi.CallProcRaise, abi.SIGCHLD), Call(abi.CallProcRaise, abi.SIGURG), Call(abi.CallProcRaise, abi.SIGCONT)),
		T("raise of no signal", Call(abi.CallProcRaise, 0).Err(abi.EINVAL), Call(abi.CallProcRaise, 200).Err(abi.EINVAL)),
	})
}

// word expects a relation of the word at addr with v.
func word(addr uint64, r Rel, v any) Step { return Group(Load(OwnVar, addr, 4), Check(Own(0), r, v)) }

func TestLock(t *testing.T) {
	for _, scope := range []abi.Scope{abi.ScopePrivate, abi.ScopeShared} {
		t.Run(scope.String(), func(t *testing.T) { Run(t, lockTests(scope)) })
	}
}

// lockTests are about locks of a scope.
func lockTests(scope abi.Scope) []Test {
	l := Mem(0x800)
	rd, wr := locked(l, scope, abi.EventtypeLockRdlock), locked(l, scope, abi.EventtypeLockWrlock)
	soon := clock(abi.ClockMonotonic, 1000, 0)
	gaveUp := word(l, NoBits, managed)
	if scope == abi.ScopeShared {
		gaveUp = word(l, AllBits, managed) // others may wait: the owner is to ask
	}
	return []Test{
		T("a free lock for writing", poll(wr).Is(1), event(0, wr, 0), word(l, Equal, Tid().Plus(wrlocked)),
			Call(abi.CallLockUnlock, l, scope), word(l, Equal, 0)),
		T("a free lock for reading", poll(rd).Is(1), event(0, rd, 0), word(l, Equal, 1)),
		T("a second reader", Store(l, 4, 1), poll(rd).Is(1), event(0, rd, 0), word(l, Equal, 2)),
		T("the last reader too many", Store(l, 4, 0x3fffffff), poll(rd).Is(1), event(0, rd, abi.EAGAIN)),
		T("one's own lock", hold(l), poll(wr).Is(1), event(0, wr, abi.EDEADLK), poll(rd).Is(1), event(0, rd, abi.EDEADLK)),
		T("no lock at all", Store(l, 4, managed), poll(wr).Is(1), event(0, wr, abi.EINVAL)),
		T("unlock of a free lock", Call(abi.CallLockUnlock, l, scope).Err(abi.EPERM)),
		T("unlock of another's lock", Store(l, 4, Tid().Plus(wrlocked+1)),
			Call(abi.CallLockUnlock, l, scope).Err(abi.EPERM)),
		T("unlock with no scope", hold(l), Call(abi.CallLockUnlock, l, 0).Err(abi.EINVAL)),
		T("a lock with no scope", poll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l}}).Is(1),
			Load(0, Mem(8), 2), Check(Var(0), Equal, uint64(abi.EINVAL))),
		T("a lock that is not aligned", poll(locked(l+1, scope, abi.EventtypeLockWrlock)).Is(1), event(0, wr, abi.EINVAL)),
		T("a lock that is not there", poll(locked(Unmapped, scope, abi.EventtypeLockWrlock)).Is(1), event(0, wr, abi.EFAULT)),
		T("a lock that cannot be written", poll(locked(ReadOnly, scope, abi.EventtypeLockWrlock)).Is(1),
			event(0, wr, abi.EFAULT)),
		T("time is up", Store(l, 4, Tid().Plus(wrlocked+1)), poll(wr, soon).Is(1), event(0, soon, 0),
			gaveUp),
		T("a lock with others", Store(l, 4, 0), poll(wr, wr).Is(2), event(0, wr, abi.ENOSYS)),
		T("an unlock lets a writer in", hold(l),
			Thread(0, pollTo(Mem(0x100), wr).Is(1), word(l, AllBits, Tid().Plus(wrlocked)),
				Call(abi.CallLockUnlock, l, scope)),
			Until(l, 4, AllBits, managed),
			Call(abi.CallLockUnlock, l, scope),
			Wait(0), word(l, Equal, 0)),
		T("an unlock lets readers in", hold(l),
			Thread(0, pollTo(Mem(0x100), rd).Is(1)),
			Thread(1, pollTo(Mem(0x200), rd).Is(1)),
			Until(l, 4, AllBits, managed),
			Call(abi.CallLockUnlock, l, scope),
			Wait(0), Wait(1), word(l, Equal, 2)),
		T("a writer waits for readers", Store(l, 4, 2), poll(wr, soon).Is(1), event(0, soon, 0), word(l, Equal, 2)),
		T("a reader behind the mark of a writer that is not there", Store(l, 4, managed+1),
			poll(rd).Is(1), event(0, rd, 0), word(l, AllBits, 2), word(l, NoBits, 1)),
	}
}

func TestCondvar(t *testing.T) {
	for _, lock := range []abi.Scope{abi.ScopePrivate, abi.ScopeShared} {
		for _, cond := range []abi.Scope{abi.ScopePrivate, abi.ScopeShared} {
			t.Run("lock="+lock.String()+"/condvar="+cond.String(), func(t *testing.T) { Run(t, condvarTests(lock, cond)) })
		}
	}
}

// condvarTests are about condition variables of scope cond and locks of scope
// lock.
func condvarTests(lock, cond abi.Scope) []Test {
	l, c := Mem(0x800), Mem(0x840)
	wr, cv := locked(l, lock, abi.EventtypeLockWrlock), signalled(c, cond, l, lock)
	soon := clock(abi.ClockMonotonic, 1000, 0)
	nobody := word(c, Equal, 0)
	waiter := func(k int) Step {
		own := Mem(0x100 * uint64(k+1))
		return Thread(k,
			pollTo(own, wr).Is(1),
			Store(own+0x40, 4, 1),
			pollTo(own, cv).Is(1),
			word(l, AllBits, Tid().Plus(wrlocked)),
			Call(abi.CallLockUnlock, l, lock))
	}
	return []Test{
		T("a signal for nobody", Call(abi.CallCondvarSignal, c, cond, 1), word(c, Equal, 0)),
		T("a signal with no scope", Call(abi.CallCondvarSignal, c, 0, 1).Err(abi.EINVAL)),
		T("a signal to what is not aligned", Call(abi.CallCondvarSignal, c+2, cond, 1).Err(abi.EINVAL)),
		T("a signal to nowhere", Call(abi.CallCondvarSignal, NoAccess, cond, 1).Err(abi.EFAULT)),
		T("a wait without the lock", poll(cv).Is(1), event(0, cv, abi.EPERM), nobody),
		T("a wait whose time is up", hold(l), poll(cv, soon).Is(1), event(0, soon, 0),
			word(l, Equal, Tid().Plus(wrlocked)), nobody),
		T("a signal", hold(l),
			Thread(0,
				pollTo(Mem(0x100), wr).Is(1),
				pollTo(Mem(0x100), cv).Is(1),
				word(l, AllBits, Tid().Plus(wrlocked)),
				Call(abi.CallLockUnlock, l, lock)),
			Until(l, 4, AllBits, managed),
			Call(abi.CallLockUnlock, l, lock),
			Until(c, 4, NotEqual, 0),
			Until(l, 4, Equal, 0),
			Call(abi.CallCondvarSignal, c, cond, 1),
			Wait(0), word(l, Equal, 0), nobody),
		T("a signal to all", hold(l), waiter(0), waiter(1),
			Until(l, 4, AllBits, managed),
			Call(abi.CallLockUnlock, l, lock),
			Until(Mem(0x140), 4, Equal, 1), Until(Mem(0x240), 4, Equal, 1),
			poll(wr).Is(1), // both have let go of it, in their waits
			Call(abi.CallCondvarSignal, c, cond, 0xffffffff), word(c, Equal, 0),
			Call(abi.CallLockUnlock, l, lock),
			Wait(0), Wait(1), word(l, Equal, 0)),
		T("exit unlocks the join lock", // what Thread and Wait themselves rely on
			Thread(0), Wait(0)),
	}
}
