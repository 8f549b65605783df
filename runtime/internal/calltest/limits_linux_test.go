package calltest

import (
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// TestForkLimits: a forked process has its parent's limits for itself.
func TestForkLimits(t *testing.T) {
	const mib = 1 << 20
	mapped := func() *CallStep { return Call(abi.CallMemMap, 0, 10*mib, rw, anon, abi.FDMapAnon, 0) }
	Run(t, []Test{
		T("memory", runtime.Limits{Memory: 20 * mib}, mapped().To(0),
			forked(FD(0), Call(abi.CallMemUnmap, Var(0), 10*mib), mapped(), mapped().Err(abi.ENOMEM)),
			Call(abi.CallMemUnmap, Var(0), 10*mib)),
		T("descriptors", runtime.Limits{FDs: firstFD + 3}, File("a"),
			forked(FD(1), Call(abi.CallFDDup, FD(0)).Is(FD(1)), Call(abi.CallFDDup, FD(0)).Is(FD(2)),
				Call(abi.CallFDDup, FD(0)).Err(abi.EMFILE)),
			Call(abi.CallFDDup, FD(0)).Is(FD(2))),
	})
}
