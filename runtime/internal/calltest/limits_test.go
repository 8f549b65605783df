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
	const kib = mib >> 10
	memory := runtime.Limits{Memory: 24 * mib}
	// The one that is granted and another.
	two := runtime.Limits{FDs: firstFD + 2}
	dup := func() *CallStep { return Call(abi.CallFDDup, FD(0)) }
	Run(t, []Test{
		T("memory", memory, mapped(25*mib).Err(abi.ENOMEM), mapped(13*mib).To(0), mapped(13*mib).Err(abi.ENOMEM),
			Call(abi.CallMemUnmap, Var(0), 13*mib), mapped(13*mib).To(0), Call(abi.CallMemUnmap, Var(0), 13*mib)),
		T("memory at a place", memory, mapAt(Free, 25*mib, rw).Err(abi.ENOMEM), mapped(13*mib).To(0), mapAt(Free, 128*kib, rw),
			mapAt(Free, 128*kib, rw), mapAt(Free+64*kib, 13*mib, rw).Err(abi.ENOMEM), mapAt(Free+64*kib, 96*kib, rw),
			Call(abi.CallMemUnmap, Free, 160*kib), Call(abi.CallMemUnmap, Var(0), 13*mib)),
		T("memory that nobody may touch counts", memory, mapAt(Free, 25*mib, 0).Err(abi.ENOMEM)),
		T("descriptors", two, File("a"), dup().Is(FD(1)), dup().Err(abi.EMFILE), Call(abi.CallFDClose, FD(1)), dup().Is(FD(1))),
		T("descriptors in pairs", two, File("a"), Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Err(abi.EMFILE),
			dup().Is(FD(1))), // and the first of the pair is gone
	})
}
