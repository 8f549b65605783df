package calltest

import (
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// TestForkLimits: a forked process has its parent's limits for itself.
func TestForkLimits(t *testing.T) {
	const mib = 1 << 20
	Run(t, []Test{
		T("memory", runtime.Limits{Memory: 20 * mib}, mapAt(Free, 5*mib, rw),
			forked(FD(0), Call(abi.CallMemUnmap, Free, 5*mib), mapAt(Free, 10*mib, rw),
				mapAt(Free+10*mib, 10*mib, rw).Err(abi.ENOMEM)),
			Call(abi.CallMemUnmap, Free, 5*mib)),
		T("descriptors", runtime.Limits{FDs: firstFD + 3}, File("a"),
			forked(FD(1), Call(abi.CallFDDup, FD(0)).Is(FD(1)), Call(abi.CallFDDup, FD(0)).Is(FD(2)),
				Call(abi.CallFDDup, FD(0)).Err(abi.EMFILE)),
			Call(abi.CallFDDup, FD(0)).Is(FD(2))),
	})
}
