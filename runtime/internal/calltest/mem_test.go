package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

const (
	page = abi.PageSize
	rw   = abi.ProtRead | abi.ProtWrite
	anon = abi.MapAnon | abi.MapPrivate
)

// mapAt maps anonymous memory at a place.
func mapAt(addr, n uint64, prot abi.Mprot) *CallStep {
	return Call(abi.CallMemMap, addr, n, prot, anon|abi.MapFixed, abi.FDMapAnon, 0)
}

func TestMem(t *testing.T) {
	none := abi.FDMapAnon
	Run(t, []Test{
		T("map, write, unmap",
			Call(abi.CallMemMap, 0, 2*page, rw, anon, none, 0).To(0),
			Check(Var(0), NoBits, page-1),
			Holds(Var(0).Plus(page), make([]byte, 64)),
			Store(Var(0).Plus(page), 8, 42),
			Call(abi.CallMemUnmap, Var(0), 2*page),
			Call(abi.CallRandomGet, Var(0), 1).Err(abi.EFAULT)),
		T("map at a place", mapAt(Free, page, rw).Is(Free), Store(Free, 8, 1)),
		T("map over what is there", Store(Mem(0), 8, 1), mapAt(Mem(0), page, rw).Is(Mem(0)), Holds(Mem(0), "\x00")),
		T("a hint may be passed over", Call(abi.CallMemMap, Mem(0), page, rw, anon, none, 0).To(0),
			Check(Var(0), NotEqual, Mem(0))),
		T("map at half a page", mapAt(Free+1, page, rw).Err(abi.EINVAL)),
		T("map of nothing", Call(abi.CallMemMap, 0, 0, rw, anon, none, 0).Err(abi.EINVAL), mapAt(Free, 0, rw).Err(abi.EINVAL)),
		T("map of half a page is a whole one", mapAt(Free, 1, rw), Store(Free+page-8, 8, 1),
			Call(abi.CallRandomGet, Free, page+1).Err(abi.EFAULT)),
		T("map of too much",
			Call(abi.CallMemMap, 0, 1<<40, rw, anon, none, 0).Err(abi.ENOMEM),
			Call(abi.CallMemMap, 0, ^uint64(0), rw, anon, none, 0).Err(abi.ENOMEM),
			Call(abi.CallMemMap, 0, ^uint64(0), rw, abi.MapAnon|abi.MapShared, none, 0).Err(abi.ENOMEM)),
		T("map at the null page", mapAt(0, page, rw).Err(abi.ENOMEM, abi.EINVAL)),
		T("map far outside", mapAt(1<<40, page, rw).Err(abi.ENOMEM), mapAt(^uint64(page-1), page, rw).Err(abi.ENOMEM)),
		T("map over the vDSO",
			Call(abi.CallMemMap, VDSO(0), page, rw, anon|abi.MapFixed, none, 0).Err(abi.EINVAL)),
		T("neither private nor shared", Call(abi.CallMemMap, 0, page, rw, abi.MapAnon, none, 0).Err(abi.EINVAL)),
		T("private and shared", Call(abi.CallMemMap, 0, page, rw, anon|abi.MapShared, none, 0).Err(abi.EINVAL)),
		T("an unknown flag", Call(abi.CallMemMap, 0, page, rw, anon|0x80, none, 0).Err(abi.EINVAL)),
		T("an unknown protection", Call(abi.CallMemMap, 0, page, 0x80, anon, none, 0).Err(abi.EINVAL, abi.ENOTSUP)),
		T("writable and executable", Call(abi.CallMemMap, 0, page, abi.ProtExec|abi.ProtWrite, anon, none, 0).Err(abi.ENOTSUP)),
		T("anonymous with a descriptor", File("x"), Call(abi.CallMemMap, 0, page, rw, anon, FD(0), 0).Err(abi.EINVAL)),
		T("anonymous with an offset", Call(abi.CallMemMap, 0, page, rw, anon, none, page).Err(abi.EINVAL)),

		T("a file", File("content"),
			Call(abi.CallMemMap, 0, page, abi.ProtRead, abi.MapPrivate, FD(0), 0).To(0),
			Call(abi.CallFDClose, FD(0)),
			Holds(Var(0), "content\x00")),
		T("a shared file is written", File("content"),
			Call(abi.CallMemMap, 0, page, rw, abi.MapShared, FD(0), 0).To(0),
			Poke(Var(0), "CON"),
			Call(abi.CallMemSync, Var(0), page, abi.MsSync),
			Call(abi.CallFDPread, FD(0), IOV(At(Mem(0), 16)), 0).Is(7),
			Holds(Mem(0), "CONtent")),
		T("a private file is not", File("content"),
			Call(abi.CallMemMap, 0, page, rw, abi.MapPrivate, FD(0), 0).To(0),
			Poke(Var(0), "CON"),
			Call(abi.CallFDPread, FD(0), IOV(At(Mem(0), 16)), 0).Is(7),
			Holds(Mem(0), "content")),
		T("a file beyond its end is no memory", File("content"),
			Call(abi.CallMemMap, Free, 2*page, rw, abi.MapPrivate|abi.MapFixed, FD(0), 0).Is(Free),
			Call(abi.CallRandomGet, Free+page, 8).Err(abi.EFAULT),
			Call(abi.CallFDStatGet, FD(0), At(Free+page, 1)).Err(abi.EFAULT),
			Call(abi.CallFDStatGet, FD(0), At(Free+page-8, 1)).Err(abi.EFAULT),
			Call(abi.CallFDWrite, FD(0), IOV(At(Free+page, 8))).Err(abi.EFAULT)),
		T("a file at half a page", File("x"), Call(abi.CallMemMap, 0, page, rw, abi.MapPrivate, FD(0), 1).Err(abi.EINVAL)),
		T("a file at a negative offset", File("x"),
			Call(abi.CallMemMap, 0, page, rw, abi.MapPrivate, FD(0), uint64(1)<<63).Err(abi.EINVAL)),
		T("a file at its limit", File("x"),
			Call(abi.CallMemMap, 0, 2*page, rw, abi.MapPrivate, FD(0), uint64(1)<<63-page).Err(abi.EOVERFLOW)),
		T("a closed descriptor", Call(abi.CallMemMap, 0, page, rw, abi.MapPrivate, BadFD, 0).Err(abi.EBADF)),
		T("a pipe cannot be mapped", Pipe(),
			Call(abi.CallMemMap, 0, page, abi.ProtRead, abi.MapPrivate, FD(0), 0).Err(abi.ENODEV, abi.ENOTCAPABLE)),
		T("rights of a mapping", File("x"), drop(FD(0), abi.RightFDRead|abi.RightMemMap),
			Call(abi.CallMemMap, 0, page, rw, abi.MapPrivate, FD(0), 0),
			Call(abi.CallMemMap, 0, page, rw, abi.MapShared, FD(0), 0).Err(abi.ENOTCAPABLE),
			Call(abi.CallMemMap, 0, page, abi.ProtExec|abi.ProtRead, abi.MapPrivate, FD(0), 0).Err(abi.ENOTCAPABLE),
			drop(FD(0), abi.RightMemMap),
			Call(abi.CallMemMap, 0, page, abi.ProtRead, abi.MapPrivate, FD(0), 0).Err(abi.ENOTCAPABLE),
			drop(FD(0), 0),
			Call(abi.CallMemMap, 0, page, 0, abi.MapPrivate, FD(0), 0).Err(abi.ENOTCAPABLE)),

		T("unmap of nothing that is there", Call(abi.CallMemUnmap, Free, page)),
		T("unmap of no bytes", Call(abi.CallMemUnmap, Free, 0).Err(abi.EINVAL)),
		T("unmap of half a page", Call(abi.CallMemUnmap, Mem(1), page).Err(abi.EINVAL)),
		T("unmap to beyond the end", Call(abi.CallMemUnmap, Mem(0), ^uint64(0)).Err(abi.EINVAL),
			Call(abi.CallMemUnmap, uint64(1)<<40, page).Err(abi.EINVAL)),
		T("unmap of the vDSO", Call(abi.CallMemUnmap, VDSO(0), page).Err(abi.EINVAL)),
		T("unmap in the middle", mapAt(Free, 3*page, rw),
			Call(abi.CallMemUnmap, Free+page, page),
			Store(Free, 8, 1), Store(Free+2*page, 8, 1),
			Call(abi.CallRandomGet, Free, 2*page).Err(abi.EFAULT)),

		T("protect", Call(abi.CallMemProtect, Mem(0), page, abi.ProtRead),
			Call(abi.CallRandomGet, Mem(0), 8).Err(abi.EFAULT),
			Call(abi.CallMemProtect, Mem(0), page, rw),
			Call(abi.CallRandomGet, Mem(0), 8)),
		T("protect of what is not mapped", Call(abi.CallMemProtect, Free, page, rw).Err(abi.ENOMEM),
			Call(abi.CallMemProtect, Unmapped-page, 2*page, abi.ProtRead).Err(abi.ENOMEM),
			Store(Unmapped-8, 8, 1)),
		T("protect of half a page", Call(abi.CallMemProtect, Mem(1), page, rw).Err(abi.EINVAL)),
		T("protect of no bytes", Call(abi.CallMemProtect, Mem(0), 0, rw)),
		T("protect to writable and executable", Call(abi.CallMemProtect, Mem(0), page, rw|abi.ProtExec).Err(abi.ENOTSUP)),
		T("protect of the vDSO", Call(abi.CallMemProtect, VDSO(0), page, rw).Err(abi.EINVAL)),
		T("protect far outside", Call(abi.CallMemProtect, uint64(1)<<63, page, rw).Err(abi.ENOMEM)),
		T("a shared file that may not be written", File("x"), drop(FD(0), abi.RightFDRead|abi.RightMemMap),
			Call(abi.CallMemMap, Free, page, abi.ProtRead, abi.MapShared, FD(0), 0)),

		T("advise", Call(abi.CallMemAdvise, Mem(0), page, abi.AdviceNormal),
			Call(abi.CallMemAdvise, Mem(0), page, abi.AdviceRandom),
			Call(abi.CallMemAdvise, Mem(0), page, abi.AdviceSequential),
			Call(abi.CallMemAdvise, Mem(0), page, abi.AdviceWillneed),
			Store(Mem(0), 8, 5),
			Call(abi.CallMemAdvise, Mem(0), page, abi.AdviceDontneed),
			Holds(Mem(0), "\x05")),
		T("advise of a wrong kind", Call(abi.CallMemAdvise, Mem(0), page, 0).Err(abi.EINVAL),
			Call(abi.CallMemAdvise, Mem(0), page, 99).Err(abi.EINVAL)),
		T("advise about nothing", Call(abi.CallMemAdvise, Free, page, abi.AdviceNormal).Err(abi.ENOMEM)),
		T("sync of memory", Call(abi.CallMemSync, Mem(0), page, abi.MsSync), Call(abi.CallMemSync, Mem(0), page, abi.MsAsync)),
		T("sync in both ways", Call(abi.CallMemSync, Mem(0), page, abi.MsSync|abi.MsAsync).Err(abi.EINVAL)),
		T("sync in no way", Call(abi.CallMemSync, Mem(0), page, 0).Err(abi.EINVAL)),
		T("sync of nothing", Call(abi.CallMemSync, Free, page, abi.MsSync).Err(abi.ENOMEM)),
		T("lock and unlock", Call(abi.CallMemLock, Mem(0), page), Call(abi.CallMemUnlock, Mem(0), page)),
		T("lock of nothing", Call(abi.CallMemLock, Free, page).Err(abi.ENOMEM), Call(abi.CallMemUnlock, Free, page).Err(abi.ENOMEM)),
	})
}
