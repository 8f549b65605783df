package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

// forked makes the steps in a child, whose exit code must be 7 at the end: fd is
// the number that the process descriptor gets.
func forked(fd abi.FD, steps ...Step) Step {
	ended := abi.Subscription{Type: abi.EventtypeProcTerminate, ProcTerminate: abi.SubProcTerminate{FD: fd}}
	return Group(
		Call(abi.CallProcFork).To(OwnVar),
		If(Own(0), Equal, uint64(abi.FDProcessChild), append(steps, Call(abi.CallProcExit, 7))...),
		Check(Own(0), Equal, fd),
		poll(ended).Is(1), event(0, ended, 0),
		Load(OwnVar, Mem(20), 1), Check(Own(0), Equal, 0),
		Load(OwnVar, Mem(24), 4), Check(Own(0), Equal, 7))
}

// TestForkDescriptors: a child has its parent's descriptors, by the same numbers.
func TestForkDescriptors(t *testing.T) {
	same := Call(abi.CallFDPread, FD(1), IOV(At(Mem(0x100), 9)), 0).Is(1)
	Run(t, []Test{
		T("all", File("a"), File("b"), forked(FD(2), same)),
		T("all but one, where a table has grown", File("a"), File("b"), // found by TestRandomCalls
			Call(abi.CallFDClose, FD(0)),
			forked(FD(0), Call(abi.CallFDClose, FD(0)).Err(abi.EBADF), same)),
		T("closed in the child only", File("a"), File("b"), forked(FD(2), Call(abi.CallFDClose, FD(1))), same),
	})
}
