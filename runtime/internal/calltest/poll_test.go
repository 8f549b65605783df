package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

// clock is a subscription for a time.
func clock(id abi.Clockid, ns abi.Timestamp, flags abi.Subclockflags) abi.Subscription {
	return abi.Subscription{Userdata: 0xc10c, Type: abi.EventtypeClock,
		Clock: abi.SubClock{ClockID: id, Timeout: ns, Flags: flags}}
}

// ready is a subscription for a descriptor.
func ready(fd abi.FD, typ abi.Eventtype) abi.Subscription {
	return abi.Subscription{Userdata: abi.Userdata(fd) | 0xfd0000, Type: typ, FDReadwrite: abi.SubFDReadwrite{FD: fd}}
}

// poll polls; events go to Mem(0).
func poll(subs ...abi.Subscription) *CallStep {
	return Call(abi.CallPoll, subs, At(Mem(0), 1), len(subs))
}

// event expects event i to be for s, with an errno.
func event(i uint64, s abi.Subscription, e abi.Errno) Step {
	at := Mem(i * abi.EventSize)
	return Group(
		Load(OwnVar, at, 8), Check(Own(0), Equal, uint64(s.Userdata)),
		Load(OwnVar, at+8, 2), Check(Own(0), Equal, uint64(e)),
		Load(OwnVar, at+10, 1), Check(Own(0), Equal, uint64(s.Type)))
}

func TestPoll(t *testing.T) {
	const long = 1 << 62
	soon, never := clock(abi.ClockMonotonic, 1000, 0), clock(abi.ClockMonotonic, long, 0)
	in0, out1 := ready(FD(0), abi.EventtypeFDRead), ready(FD(1), abi.EventtypeFDWrite)
	Run(t, []Test{
		T("a moment", poll(soon).Is(1), event(0, soon, 0)),
		T("a moment that has passed", poll(clock(abi.ClockRealtime, 1, abi.SubscriptionClockAbstime)).Is(1)),
		T("as long as it says",
			Call(abi.CallClockTimeGet, abi.ClockMonotonic, 0).To(0),
			poll(clock(abi.ClockMonotonic, 2_000_000, 0)).Is(1),
			Call(abi.CallClockTimeGet, abi.ClockMonotonic, 0).To(1),
			Check(Var(0).Plus(2_000_000), AtMost, Var(1))),
		T("the first of two clocks", poll(never, soon).Is(1), event(0, soon, 0)),
		T("no clock", poll(clock(0, 0, 0)).Is(1), event(0, soon, abi.EINVAL)),
		T("a clock that stands still", poll(clock(abi.ClockThreadCputimeID, 0, 0)).Is(1), event(0, soon, abi.ENOTSUP)),

		T("an empty pipe", Pipe(), poll(in0, soon).Is(1), event(0, soon, 0)),
		T("a full pipe", Pipe(),
			Call(abi.CallFDWrite, FD(1), IOV("abc")).Is(3),
			poll(in0, never).Is(1), event(0, in0, 0),
			Load(0, Mem(16), 8), Check(Var(0), Equal, 3)),
		T("both ends", Pipe(),
			Call(abi.CallFDWrite, FD(1), IOV("abc")).Is(3),
			poll(in0, out1).Is(2), event(0, in0, 0), event(1, out1, 0)),
		T("nobody writes any more", Pipe(),
			Call(abi.CallFDClose, FD(1)),
			poll(in0).Is(1), event(0, in0, 0),
			Load(0, Mem(28), 2), Check(Var(0), AllBits, uint64(abi.EventFDReadwriteHangup))),
		// A pipe of its own: the test may still hold an end of a granted one.
		T("nobody reads any more", Call(abi.CallFDCreate2, abi.FiletypeFifo).Raw().Is(FD(0), FD(1)),
			Call(abi.CallFDClose, FD(0)),
			poll(out1).Is(1), event(0, out1, abi.EPIPE)),
		T("a file is always ready", File("abc"), poll(in0).Is(1), event(0, in0, 0)),
		T("a closed descriptor", poll(ready(BadFD, abi.EventtypeFDRead), never).Is(1),
			event(0, ready(BadFD, abi.EventtypeFDRead), abi.EBADF)),
		T("a descriptor without the right", Pipe(), drop(FD(0), abi.RightFDRead),
			poll(in0, never).Is(1), event(0, in0, abi.ENOTCAPABLE)),
		T("the wrong end", Pipe(), drop(FD(0), abi.RightFDRead|abi.RightPollFDReadwrite),
			poll(ready(FD(0), abi.EventtypeFDWrite)).Is(1), event(0, ready(FD(0), abi.EventtypeFDWrite), abi.ENOTCAPABLE)),
		T("a file that is no process", File(""),
			poll(abi.Subscription{Type: abi.EventtypeProcTerminate, ProcTerminate: abi.SubProcTerminate{FD: FD(0)}}).Is(1),
			Load(0, Mem(8), 2), Check(Var(0), NotEqual, 0)),
		T("an unknown type", poll(abi.Subscription{Type: 99}).Is(1),
			Load(0, Mem(8), 2), Check(Var(0), NotEqual, 0)),
		T("one event that waits for another thread", Pipe(),
			Thread(0, poll(in0, never).Is(1), event(0, in0, 0)),
			Call(abi.CallThreadYield),
			Call(abi.CallFDWrite, FD(1), IOV("abc")).Is(3),
			Wait(0)),
		T("a close during a poll", Pipe(),
			Thread(0, Store(Mem(0x400), 4, 1), poll(in0, never).Is(1), event(0, in0, abi.EBADF)),
			Until(Mem(0x400), 4, Equal, 1),
			Call(abi.CallFDClose, FD(0)),
			Wait(0)),
		T("the processor time of the process", poll(clock(abi.ClockProcessCputimeID, 1, abi.SubscriptionClockAbstime)).Is(1)),
		T("processor time that stands still, absolute",
			poll(clock(abi.ClockThreadCputimeID, 1, abi.SubscriptionClockAbstime)).Is(1), event(0, soon, abi.ENOTSUP)),
		T("every clock at its time",
			poll(clock(abi.ClockMonotonic, 1, abi.SubscriptionClockAbstime), clock(abi.ClockRealtime, 1, abi.SubscriptionClockAbstime),
				clock(abi.ClockProcessCputimeID, 0, abi.SubscriptionClockAbstime)).Is(3),
			event(0, soon, 0), event(1, soon, 0), event(2, soon, 0)),
		T("one descriptor many times", Pipe(),
			Call(abi.CallFDWrite, FD(1), IOV("abc")).Is(3),
			poll(in0, in0, out1, out1, in0).Is(5), event(0, in0, 0), event(2, out1, 0), event(4, in0, 0)),
		T("a file that is no process, without the right", File(""),
			poll(abi.Subscription{Type: abi.EventtypeProcTerminate, ProcTerminate: abi.SubProcTerminate{FD: FD(0)}}, never).Is(1),
			Load(0, Mem(8), 2), Check(Var(0), Equal, uint64(abi.ENOTCAPABLE))),
		T("no process", poll(abi.Subscription{Type: abi.EventtypeProcTerminate, ProcTerminate: abi.SubProcTerminate{FD: BadFD}}).Is(1),
			Load(0, Mem(8), 2), Check(Var(0), Equal, uint64(abi.EBADF))),
		T("shared memory", Call(abi.CallFDCreate1, abi.FiletypeSharedMemory), poll(in0, never).Is(1), event(0, in0, abi.ENOTCAPABLE)),
		T("too many subscriptions", Call(abi.CallPoll, Mem(0), Mem(0), 1<<30).Err(abi.EINVAL),
			Call(abi.CallPoll, Mem(0), Mem(0), ^uint64(0)).Err(abi.EINVAL)),
		T("subscriptions beyond the end of memory",
			Call(abi.CallPoll, Unmapped-abi.SubscriptionSize, Mem(0), 2).Err(abi.EFAULT)),
		T("room for events beyond the end of memory",
			Call(abi.CallPoll, Mem(0), Unmapped-abi.EventSize, 2).Err(abi.EFAULT)),
	})
}
