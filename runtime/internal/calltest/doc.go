// Package calltest shows from inside a guest that system calls are right. It is
// for tests only.
//
// # In a nutshell
//
// A test is a list of steps: calls with what they must answer, and what to put
// into guest memory before and find there afterwards. Run encodes many tests as
// one script, starts guests/bin/calls on it, which makes the calls, and turns what
// that program reports into failures that name test and step:
//
//	T(…) ─ Run ─▶ script ─ argument data ─▶ guests/bin/calls ─ records ─▶ t.Errorf
//
// Every test runs twice: through the vDSO, and by raw system calls with the
// numbers of 2016. Calls that the vDSO does not have are raw in both.
//
// # Adding a line
//
// The tables are in the *_test.go files beside, one for each area:
//
//	T("read of a closed descriptor", Call(abi.CallFDRead, BadFD, IOV(At(Mem(0), 16))).Err(abi.EBADF)),
//
//	T("what was written can be read back", File("old"),
//		Call(abi.CallFDPwrite, FD(0), IOV("new"), 0).Is(3),
//		Call(abi.CallFDPread, FD(0), IOV(At(Mem(0), 16)), 0).Is(3),
//		Holds(Mem(0), "new\x00")),
//
// A call's arguments are those of the ABI's prototype, without results:
//
//	integers of any type        the value, sign-extended
//	Var(k), Tid(), VDSO(off), … what is known only when it runs
//	string, []byte              copied to scratch memory: address, and length if the parameter is a range
//	IOV("text", At(addr, n))    an array of buffers: address and number
//	abi.Fdstat{…} and the like  encoded in scratch memory: address
//	[]abi.Subscription, []abi.FD, …  arrays of them: address, and number if the parameter is a range
//	Out(n)                      n zero bytes of scratch memory: address, and n if the parameter is a range
//	At(addr, n)                 an address, and n if the parameter is a range
//
// A call must succeed unless Err lists errnos; Is compares its results, To keeps
// them in variables. The other steps are in step.go: memory (Poke, Store, Load,
// Holds), threads (Thread, Wait, Until), comparison and control (Check, Set, If,
// Repeat).
//
// # What a test finds
//
// Memory is fresh: 64 KiB of zeroed scratch memory at Mem(0), of which arguments
// take the upper half, with an unmapped page behind it; ReadOnly, NoAccess and
// ExecOnly are pages of that kind; Free is a place to map at. Descriptors are
// fresh, too: what T is given as grants (File, Pipe, Dir, …) are FD(0), FD(1) and
// so on, the next ones created follow; BadFD is never open. Duplicates of them are
// closed afterwards. Variables are zero.
//
// # Invariants
//
// The guest ends at the first step that fails or when a test makes it fault; Run
// then starts it again for the remaining tests, so one failure costs no other
// test. A test that hangs is ended after a while and named. Nothing depends on
// time but that patience, and none of it is shorter than 20 seconds.
//
// callscript.h beside the program holds the same numbers as script.go.
package calltest
