package runtime_test

import (
	goruntime "runtime"
	"slices"
	"testing"

	"cabitrans/runtime/abi"

	. "cabitrans/runtime/internal/calltest"
)

const child = uint64(abi.FDProcessChild)

// terminated is a subscription for the end of a process.
func terminated(fd abi.FD) abi.Subscription {
	return abi.Subscription{Userdata: 0xe4d, Type: abi.EventtypeProcTerminate, ProcTerminate: abi.SubProcTerminate{FD: fd}}
}

// ended is the event of that.
func ended(sig abi.Signal, code abi.Exitcode) abi.Event {
	return abi.Event{Userdata: 0xe4d, Type: abi.EventtypeProcTerminate, Signal: sig, Exitcode: code}
}

// fork makes a child that does steps and then exits with code 0.
func fork(steps ...Step) Step {
	return Group(Call(abi.CallProcFork).To(0, 1),
		If(Var(0), Equal, child, append(steps, Call(abi.CallProcExit, 0))...))
}

// awaitEnd waits for the end of the process behind fd.
func awaitEnd(fd abi.FD, ev abi.Event) Step {
	return Group(Call(abi.CallPoll, []abi.Subscription{terminated(fd)}, At(Mem(0x3000), 1), 1).Is(1),
		Load(2, Mem(0x3000+16), 4), // 2016 has the descriptor there, which is nobody's business
		Store(Mem(0x3000+16), 4, 0),
		Holds(Mem(0x3000), ev))
}

func TestFork(t *testing.T) {
	tests := []Test{
		T("a child ends by itself", fork(), Check(Var(0), Equal, FD(0)), awaitEnd(FD(0), ended(0, 0))),
		T("a child ends with a code", fork(Call(abi.CallProcExit, uint64(0xdeadbeef))), awaitEnd(FD(0), ended(0, 0xdeadbeef))),
		T("a child raises what is ignored", fork(Call(abi.CallProcRaise, abi.SIGCHLD)), awaitEnd(FD(0), ended(0, 0))),
		T("an end can be seen twice", fork(), awaitEnd(FD(0), ended(0, 0)), awaitEnd(FD(0), ended(0, 0))),
		T("a child has another thread identifier", Set(3, Tid()),
			fork(Check(Var(1), NotEqual, Var(3)), Check(Var(1), Below, 1<<30)), awaitEnd(FD(0), ended(0, 0))),
		T("what a child writes is its own", fork(Store(Mem(0), 4, 7)), awaitEnd(FD(0), ended(0, 0)), Holds(Mem(0), "\x00")),
		T("an open file is shared", File("0123456789"),
			fork(Call(abi.CallFDSeek, FD(0), 4, abi.WhenceSet).Is(4)), awaitEnd(FD(1), ended(0, 0)),
			Call(abi.CallFDSeek, FD(0), 0, abi.WhenceCur).Is(4)),
		T("a child has the rights of its parent", File("0123456789"),
			Call(abi.CallFDStatPut, FD(0), abi.Fdstat{RightsBase: abi.RightFDTell}, abi.FdsflagRights),
			fork(Call(abi.CallFDSeek, FD(0), 4, abi.WhenceSet).Err(abi.ENOTCAPABLE)), awaitEnd(FD(1), ended(0, 0))),
		T("what a child closes is open here", File("0123456789"),
			fork(Call(abi.CallFDClose, FD(0))), awaitEnd(FD(1), ended(0, 0)),
			Call(abi.CallFDSeek, FD(0), 0, abi.WhenceCur).Is(0)),
		T("a process descriptor",
			fork(), Call(abi.CallFDStatGet, FD(0), Mem(0)),
			Holds(Mem(0), abi.Fdstat{Filetype: abi.FiletypeProcess,
				RightsBase: abi.RightFileStatFget | abi.RightPollProcTerminate}),
			Call(abi.CallFDRead, FD(0), IOV(At(Mem(0), 16))).Err(abi.ENOTCAPABLE),
			Call(abi.CallFDWrite, FD(0), IOV("x")).Err(abi.ENOTCAPABLE),
			Call(abi.CallSockShutdown, FD(0), abi.ShutRD).Err(abi.ENOTCAPABLE),
			awaitEnd(FD(0), ended(0, 0))),
		T("a duplicate of a process descriptor",
			fork(), Call(abi.CallFDDup, FD(0)).Is(FD(1)), Call(abi.CallFDClose, FD(0)), awaitEnd(FD(1), ended(0, 0))),
		T("the end of what is no process", File(""),
			Call(abi.CallPoll, []abi.Subscription{terminated(FD(0))}, At(Mem(0), 1), 1).Is(1),
			Load(2, Mem(8), 2), Check(Var(2), Equal, uint64(abi.ENOTCAPABLE))),
		T("a child without the right to be waited for",
			fork(), Call(abi.CallFDStatPut, FD(0), abi.Fdstat{RightsBase: abi.RightFileStatFget}, abi.FdsflagRights),
			Call(abi.CallPoll, []abi.Subscription{terminated(FD(0))}, At(Mem(0), 1), 1).Is(1),
			Load(2, Mem(8), 2), Check(Var(2), Equal, uint64(abi.ENOTCAPABLE))),
		T("a child lives until its descriptor is closed", Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Is(FD(0), FD(1)),
			fork(Call(abi.CallFDClose, FD(0)), Call(abi.CallFDRead, FD(1), IOV(Out(1)))),
			Call(abi.CallFDClose, FD(1)), Call(abi.CallFDClose, FD(2)), Call(abi.CallFDRead, FD(0), IOV(Out(1))).Is(0)),
	}
	if goruntime.GOOS != "windows" { // which stops no process, and shares no part of 64 KiB
		tests = append(tests, unixFork()...)
	}
	Run(t, tests)
}

func unixFork() []Test {
	return []Test{
		// It may not have stopped yet when it is killed: that is right, too.
		T("a stopped child dies with its descriptor", Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Is(FD(0), FD(1)),
			fork(Call(abi.CallProcRaise, abi.SIGSTOP)), Call(abi.CallFDClose, FD(1)), Call(abi.CallFDClose, FD(2)),
			Call(abi.CallFDRead, FD(0), IOV(Out(1))).Is(0)),
		T("shared memory is shared",
			Call(abi.CallMemMap, Free, 4096, abi.ProtRead|abi.ProtWrite, abi.MapAnon|abi.MapShared|abi.MapFixed, abi.FDMapAnon, 0),
			fork(Poke(Free, "child")), awaitEnd(FD(0), ended(0, 0)), Holds(Free, "child"), Call(abi.CallMemUnmap, At(Free, 4096))),
	}
}

// TestRaise: every signal that ends a process, as its parent sees it.
func TestRaise(t *testing.T) {
	harmless := []abi.Signal{abi.SIGCHLD, abi.SIGCONT, abi.SIGPIPE, abi.SIGURG,
		abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU}
	var tests []Test
	for sig := abi.SIGABRT; sig <= abi.SIGXFSZ; sig++ {
		if !slices.Contains(harmless, sig) {
			tests = append(tests, T(sig.String(), fork(Call(abi.CallProcRaise, sig)), awaitEnd(FD(0), ended(sig, 0))))
		}
	}
	Run(t, tests)
}

func TestExecErrors(t *testing.T) {
	none := At(0, 0)
	Run(t, []Test{
		T("no descriptor", Call(abi.CallProcExec, BadFD, none, none).Err(abi.EBADF)),
		T("no right", File("x"), Call(abi.CallFDStatPut, FD(0), abi.Fdstat{RightsBase: abi.RightFDRead}, abi.FdsflagRights),
			Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOTCAPABLE)),
		T("a directory", Dir(nil), Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOTCAPABLE)),
		T("shared memory", Call(abi.CallFDCreate1, abi.FiletypeSharedMemory), Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOTCAPABLE)),
		T("an empty file", File(""), Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOEXEC)),
		T("no executable", File("#!/bin/sh\n"), Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOEXEC)),
		T("another system's executable", File("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
			Call(abi.CallProcExec, FD(0), none, none).Err(abi.ENOEXEC)),
		T("data that are not there", File(""), Call(abi.CallProcExec, FD(0), At(Free, 1), none).Err(abi.EFAULT)),
		T("too many data", File(""), Call(abi.CallProcExec, FD(0), At(Mem(0), 1<<40), none).Err(abi.E2BIG)),
		T("descriptors that are not there", File(""), Call(abi.CallProcExec, FD(0), none, At(Free, 1)).Err(abi.EFAULT)),
		T("too many descriptors", File(""), Call(abi.CallProcExec, FD(0), none, At(Mem(0), 1<<40)).Err(abi.EMFILE)),
		T("a descriptor that is not open", File(""),
			Call(abi.CallProcExec, FD(0), none, []abi.FD{FD(0), BadFD}).Err(abi.EBADF)),
		T("afterwards all is as it was", File("x"),
			Call(abi.CallProcExec, FD(0), none, []abi.FD{FD(0)}).Err(abi.ENOEXEC),
			Call(abi.CallFDSeek, FD(0), 0, abi.WhenceCur).Is(0)),
	})
}
