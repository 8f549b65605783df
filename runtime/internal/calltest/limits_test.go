package calltest

import (
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// TestLimits: what a limit refuses, what makes room again, and that a child has the same.
func TestLimits(t *testing.T) {
	const mib = 1 << 20
	mapped := func(n uint64) *CallStep { return Call(abi.CallMemMap, 0, n, rw, anon, abi.FDMapAnon, 0) }
	memory := runtime.Limits{Memory: 64 * mib}
	// The one that is granted and another.
	two := runtime.Limits{FDs: firstFD + 2}
	dup := func() *CallStep { return Call(abi.CallFDDup, FD(0)) }
	Run(t, []Test{
		T("memory", memory, mapped(65*mib).Err(abi.ENOMEM), mapped(40*mib).To(0), mapped(40*mib).Err(abi.ENOMEM),
			Call(abi.CallMemUnmap, Var(0), 40*mib), mapped(40*mib).To(0), Call(abi.CallMemUnmap, Var(0), 40*mib)),
		T("memory at a place", memory, mapAt(Free, 65*mib, rw).Err(abi.ENOMEM), mapAt(Free, 40*mib, rw), mapAt(Free, 40*mib, rw),
			mapAt(Free+30*mib, 40*mib, rw).Err(abi.ENOMEM), mapAt(Free+30*mib, 11*mib, rw), Call(abi.CallMemUnmap, Free, 41*mib)),
		T("memory that nobody may touch counts", memory, mapAt(Free, 65*mib, 0).Err(abi.ENOMEM)),
		T("descriptors", two, File("a"), dup().Is(FD(1)), dup().Err(abi.EMFILE), Call(abi.CallFDClose, FD(1)), dup().Is(FD(1))),
		T("descriptors in pairs", two, File("a"), Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Err(abi.EMFILE),
			dup().Is(FD(1))), // and the first of the pair is gone
	})
}
