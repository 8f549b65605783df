package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

// change gives a subscription the flags of poll_fd.
func change(flags abi.Subflags, s abi.Subscription) abi.Subscription {
	s.Flags = flags
	return s
}

// changes makes changes to the queue FD(n) and takes up to 4 events of it, to
// Mem(0), without waiting.
func changes(n int, list ...abi.Subscription) *CallStep {
	return Call(abi.CallPollFD, FD(n), list, At(Mem(0), 4), clock(abi.ClockMonotonic, 0, 0))
}

func TestQueue(t *testing.T) {
	const (
		add, del, on, off = abi.SubscriptionAdd, abi.SubscriptionDelete, abi.SubscriptionEnable, abi.SubscriptionDisable
		once, edge        = abi.SubscriptionOneshot, abi.SubscriptionClear
	)
	const rd, wr = abi.EventtypeFDRead, abi.EventtypeFDWrite
	in0, out1 := ready(FD(0), rd), ready(FD(1), wr)
	create := Call(abi.CallFDCreate1, abi.FiletypePoll)
	fill := Call(abi.CallFDWrite, FD(1), IOV("abc")).Is(3)
	none := At(Mem(0), 0)
	Run(t, []Test{
		T("an empty queue", create, Call(abi.CallPollFD, FD(0), At(0, 0), none, 0).Is(0)),
		T("an empty queue, for a moment", create,
			Call(abi.CallPollFD, FD(0), At(0, 0), At(Mem(0), 1), clock(abi.ClockRealtime, 1000, 0)).Is(0)),
		T("no queue", File("abc"), Call(abi.CallPollFD, FD(0), At(0, 0), none, 0).Err(abi.EBADF)),
		T("no descriptor", Call(abi.CallPollFD, BadFD, At(0, 0), none, 0).Err(abi.EBADF)),
		T("a timeout of another type", create,
			Call(abi.CallPollFD, FD(0), At(0, 0), At(Mem(0), 1), in0).Err(abi.EINVAL)),
		T("a timeout that is not there", create,
			Call(abi.CallPollFD, FD(0), At(0, 0), At(Mem(0), 1), Unmapped).Err(abi.EFAULT)),
		T("changes that are not there", create, Call(abi.CallPollFD, FD(0), At(Unmapped, 1), none, 0).Err(abi.EFAULT)),
		T("no place for events", create, Call(abi.CallPollFD, FD(0), At(0, 0), At(ReadOnly, 1), 0).Err(abi.EFAULT)),
		T("not to be read", create, Call(abi.CallFDRead, FD(0), IOV(Out(1))).Err(abi.ENOTCAPABLE)),
		T("no right to change", Pipe(), create, drop(FD(2), abi.RightPollWait), changes(2, change(add, in0)).Err(abi.ENOTCAPABLE)),
		T("no right to wait", Pipe(), create, drop(FD(2), abi.RightPollModify), changes(2).Err(abi.ENOTCAPABLE)),

		T("added", Pipe(), create, fill, changes(2, change(add, in0)).Is(1), event(0, in0, 0),
			Load(0, Mem(16), 8), Check(Var(0), Equal, 3), Load(0, Mem(24), 4), Check(Var(0), Equal, uint64(FD(0))),
			changes(2).Is(1), event(0, in0, 0)),
		T("two of them", Pipe(), create, fill, changes(2, change(add, in0), change(add, out1)).Is(2)),
		T("deleted", Pipe(), create, fill, changes(2, change(add, in0)).Is(1), changes(2, change(del, in0)).Is(0)),
		T("disabled, enabled", Pipe(), create, fill,
			changes(2, change(add, in0)).Is(1), changes(2, change(off, in0)).Is(0), changes(2, change(on, in0)).Is(1)),
		T("added disabled", Pipe(), create, fill, changes(2, change(add|off, in0)).Is(0), changes(2, change(on, in0)).Is(1)),
		T("once", Pipe(), create, fill, changes(2, change(add|once, in0)).Is(1), event(0, in0, 0), changes(2).Is(0)),
		T("when something comes", Pipe(), create, fill, changes(2, change(add|edge, in0)).Is(1), changes(2).Is(0), fill,
			changes(2).Is(1), event(0, in0, 0), changes(2).Is(0)),
		T("closed", Pipe(), create, fill, changes(2, change(add, in0)).Is(1), Call(abi.CallFDClose, FD(0)), changes(2).Is(0)),
		T("a clock", create,
			Call(abi.CallPollFD, FD(0), []abi.Subscription{change(add, clock(abi.ClockMonotonic, 1000, 0))}, At(Mem(0), 1), 0).Is(1),
			event(0, clock(0, 0, 0), 0),
			Call(abi.CallPollFD, FD(0), At(0, 0), At(Mem(0), 1), 0).Is(1)),
		T("waiting for another thread", Pipe(), create, changes(2, change(add, in0)).Is(0),
			Thread(0, Call(abi.CallPollFD, FD(2), At(0, 0), At(Mem(0x100), 1), 0).Is(1)),
			Call(abi.CallThreadYield), fill, Wait(0)),
		T("the queue is closed under a waiting thread", create,
			Thread(0, Store(Mem(0x400), 4, 1), Call(abi.CallPollFD, FD(0), At(0, 0), At(Mem(0x100), 1), 0).Err(abi.EBADF)),
			Until(Mem(0x400), 4, Equal, 1), Call(abi.CallFDClose, FD(0)), Wait(0)),

		T("add of no descriptor", create, changes(0, change(add, ready(BadFD, rd))).Is(1), event(0, ready(BadFD, rd), abi.EBADF)),
		T("add without the right", Pipe(), create, changes(2, change(add, ready(FD(0), wr))).Is(1),
			event(0, ready(FD(0), wr), abi.ENOTCAPABLE)),
		T("delete of what is not there", Pipe(), create, changes(2, change(del, in0)).Is(1), event(0, in0, abi.ENOENT)),
		T("no flags", Pipe(), create, changes(2, in0).Is(1), event(0, in0, abi.ENOENT)),
		T("a lock", create, changes(0, change(add, locked(Mem(0x800), abi.ScopePrivate, abi.EventtypeLockWrlock))).Is(1),
			event(0, locked(0, abi.ScopePrivate, abi.EventtypeLockWrlock), abi.ENOSYS)),
		T("an error without place for it", create,
			Call(abi.CallPollFD, FD(0), []abi.Subscription{change(add, ready(BadFD, rd))}, none, 0).Err(abi.EBADF)),
	})
}

// Descriptors that are closed or replaced while a thread blocks in them.
func TestBlocked(t *testing.T) {
	const rd = abi.EventtypeFDRead
	begun := Store(Mem(0x400), 4, 1)
	awaitBegun := Group(Until(Mem(0x400), 4, Equal, 1), Call(abi.CallThreadYield), Call(abi.CallThreadYield))
	Run(t, []Test{
		T("a close under a read", Pipe(),
			Thread(0, begun, Call(abi.CallFDRead, FD(0), IOV(At(Mem(0x100), 8))).Err(abi.EBADF)),
			awaitBegun, Call(abi.CallFDClose, FD(0)), Wait(0)),
		T("another pipe in its place", Pipe(), Pipe(),
			Call(abi.CallFDWrite, FD(3), IOV("new")).Is(3),
			Thread(0, begun, Call(abi.CallFDRead, FD(0), IOV(At(Mem(0x100), 8))).Is(3)),
			awaitBegun, Call(abi.CallFDReplace, FD(2), FD(0)), Wait(0), Holds(Mem(0x100), "new\x00")),
		T("a close under a poll", Pipe(),
			Thread(0, begun, pollTo(Mem(0x100), ready(FD(0), rd)).Is(1),
				Load(0, Mem(0x108), 2), Check(Var(0), Equal, uint64(abi.EBADF))),
			awaitBegun, Call(abi.CallFDClose, FD(0)), Wait(0)),
	})
}
