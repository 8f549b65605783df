package kernel

import (
	"runtime"
	"testing"

	"cabitrans/runtime/abi"
)

// The memory calls in both forms, with garbage above narrow arguments; package
// memory tests what they do.
func TestMemoryCalls(t *testing.T) {
	f := newFixture(t)
	const size = 2 * abi.PageSize
	f.run(func(th *Thread) {
		raw := func(want abi.Errno, c abi.Call, args ...uint64) uint64 {
			t.Helper()
			var a [8]uint64
			copy(a[:], args)
			r0, _, o := th.CallRaw(uint64(c.Info().Num2016), &a)
			if o != (Outcome{Errno: want}) {
				t.Errorf("raw %v(%#x) = %+v, want %v", c, args, o, want)
			}
			return r0
		}
		const garbage = 0xa5a5_a5a5_a5a5_0000
		at := raw(0, abi.CallMemMap, 0, size, garbage|uint64(abi.ProtRead|abi.ProtWrite),
			garbage|uint64(abi.MapAnon|abi.MapPrivate), 0xabcd_0000_0000_0000|uint64(abi.FDMapAnon), 0)
		if err := f.mem.Store32(at+abi.PageSize, 7); err != nil {
			t.Error(err)
		}
		for _, c := range []abi.Call{abi.CallMemLock, abi.CallMemUnlock} {
			raw(0, c, at, size)
			raw(0, c, at, 0)
			raw(abi.ENOMEM, c, badAddr, size)
			raw(abi.ENOMEM, c, at, ^uint64(0))
		}
		raw(0, abi.CallMemLock, at, 1)
		locked := abi.EBUSY
		if runtime.GOOS == "windows" {
			locked = 0 // where nothing is invalidated
		}
		f.expect(th, locked, abi.CallMemSync, at, size, uint64(abi.MsSync|abi.MsInvalidate))
		raw(0, abi.CallMemUnlock, at, 1)
		f.expect(th, 0, abi.CallMemSync, at, size, garbage|uint64(abi.MsSync|abi.MsInvalidate))
		f.expect(th, abi.EINVAL, abi.CallMemSync, at, size, uint64(abi.MsInvalidate))
		f.expect(th, 0, abi.CallMemAdvise, at, size, garbage|uint64(abi.AdviceDontneed))
		f.expect(th, abi.EINVAL, abi.CallMemAdvise, at, size, uint64(abi.AdviceNoreuse))
		f.expect(th, 0, abi.CallMemProtect, at, abi.PageSize, garbage|uint64(abi.ProtRead))
		if f.mem.Store32(at, 1) == nil || f.mem.Store32(at+abi.PageSize, 8) != nil {
			t.Error("mem_protect protected the wrong page")
		}
		f.expect(th, abi.ENOTSUP, abi.CallMemProtect, at, size, uint64(abi.ProtWrite|abi.ProtExec))
		raw(abi.ENOTSUP, abi.CallMemMap, 0, size, uint64(abi.ProtWrite|abi.ProtExec),
			uint64(abi.MapAnon|abi.MapPrivate), uint64(abi.FDMapAnon), 0)
		f.expect(th, 0, abi.CallMemUnmap, at, abi.PageSize)
		raw(0, abi.CallMemUnmap, at+abi.PageSize, abi.PageSize)
		raw(abi.EINVAL, abi.CallMemUnmap, at, 0)
		if _, err := f.mem.Load32(at + abi.PageSize); err == nil {
			t.Error("unmapped memory can be read")
		}
	})
}
