package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

const follow = abi.LookupSymlinkFollow

// in is a lookup below a descriptor that does not follow a last symbolic link,
// following one that does.
func in(fd abi.FD) uint64        { return abi.Lookup{FD: fd}.Arg() }
func following(fd abi.FD) uint64 { return abi.Lookup{FD: fd, Flags: follow}.Arg() }

// open opens what is to become the next descriptor.
func open(lookup uint64, path string, o abi.Oflags, base abi.Rights) *CallStep {
	return Call(abi.CallFileOpen, lookup, path, o, abi.Fdstat{RightsBase: base})
}

const readWrite = abi.RightFDRead | abi.RightFDWrite | abi.RightFDSeek

func TestFileOpen(t *testing.T) {
	dir := Dir(map[string]string{"f": "contents", "d/g": "below", "e/": ""})
	symlink := func(text, path string) Step { return Call(abi.CallFileSymlink, text, FD(0), path) }
	Run(t, []Test{
		T("read", dir, open(in(FD(0)), "f", 0, abi.RightFDRead).Is(FD(1)),
			Call(abi.CallFDRead, FD(1), IOV(At(Mem(0), 16))).Is(8), Holds(Mem(0), "contents\x00")),
		T("create and write", dir, open(in(FD(0)), "new", abi.OCreat|abi.OExcl, readWrite).Is(FD(1)),
			Call(abi.CallFDWrite, FD(1), IOV("hello")).Is(5),
			open(in(FD(0)), "new", 0, readWrite).Is(FD(2)),
			Call(abi.CallFDPread, FD(2), IOV(At(Mem(0), 16)), 0).Is(5), Holds(Mem(0), "hello\x00"),
			open(in(FD(0)), "new", abi.OCreat|abi.OExcl, readWrite).Err(abi.EEXIST)),
		T("truncate", dir, open(in(FD(0)), "f", abi.OTrunc, abi.RightFDWrite).Is(FD(1)),
			open(in(FD(0)), "f", 0, abi.RightFDRead).Is(FD(2)),
			Call(abi.CallFDRead, FD(2), IOV(Out(8))).Is(0)),
		T("append", dir,
			Call(abi.CallFileOpen, in(FD(0)), "f", 0, abi.Fdstat{RightsBase: readWrite, Flags: abi.FdflagAppend}).Is(FD(1)),
			Call(abi.CallFDWrite, FD(1), IOV("!")).Is(1),
			Call(abi.CallFDPread, FD(1), IOV(At(Mem(0), 16)), 0).Is(9), Holds(Mem(0), "contents!")),
		T("a directory and what is in it", dir,
			Call(abi.CallFileOpen, in(FD(0)), "d", abi.ODirectory,
				abi.Fdstat{RightsBase: abi.RightFileOpen, RightsInheriting: abi.RightFDRead}).Is(FD(1)),
			open(in(FD(1)), "g", 0, abi.RightFDRead).Is(FD(2)),
			open(in(FD(1)), "g", 0, readWrite).Err(abi.ENOTCAPABLE),
			open(in(FD(1)), "g", abi.OCreat, abi.RightFDRead).Err(abi.ENOTCAPABLE),
			open(in(FD(1)), "../f", 0, abi.RightFDRead).Err(abi.ENOTCAPABLE)),
		T("rights by type", dir, open(in(FD(0)), "f", 0, abi.RightFDRead|abi.RightFileReaddir|abi.RightFDTell).Is(FD(1)),
			Call(abi.CallFDStatGet, FD(1), At(Mem(0), 1)),
			Load(0, Mem(0), 1), Check(Var(0), Equal, uint64(abi.FiletypeRegularFile)),
			Load(1, Mem(8), 8), Check(Var(1), Equal, uint64(abi.RightFDRead|abi.RightFDTell)),
			Load(2, Mem(16), 8), Check(Var(2), Equal, 0)),
		T("escapes", dir, symlink("/etc", "abs"), symlink("..", "up"), symlink("d/../..", "deep"),
			open(in(FD(0)), "..", 0, 0).Err(abi.ENOTCAPABLE),
			open(in(FD(0)), "/etc/passwd", 0, 0).Err(abi.ENOTCAPABLE),
			open(in(FD(0)), "d/../../x", abi.OCreat, 0).Err(abi.ENOTCAPABLE),
			open(following(FD(0)), "abs", 0, 0).Err(abi.ENOTCAPABLE),
			open(in(FD(0)), "abs/passwd", 0, 0).Err(abi.ENOTCAPABLE),
			open(following(FD(0)), "up", 0, 0).Err(abi.ENOTCAPABLE),
			open(following(FD(0)), "deep", 0, 0).Err(abi.ENOTCAPABLE),
			open(in(FD(0)), "d/../f", 0, 0).Is(FD(1))),
		T("links", dir, symlink("f", "l"), symlink("loop", "loop"), symlink("none", "dangling"),
			open(in(FD(0)), "l", 0, 0).Err(abi.ELOOP),
			open(following(FD(0)), "loop", 0, 0).Err(abi.ELOOP),
			open(following(FD(0)), "dangling", 0, 0).Err(abi.ENOENT),
			open(following(FD(0)), "l", 0, 0).Is(FD(1))),
		T("refusals", dir,
			open(in(FD(0)), "", 0, 0).Err(abi.ENOENT),
			open(in(FD(0)), "none", 0, 0).Err(abi.ENOENT),
			open(in(FD(0)), "f/", 0, 0).Err(abi.ENOTDIR),
			open(in(FD(0)), "f/x", 0, 0).Err(abi.ENOTDIR),
			open(in(FD(0)), "f", abi.ODirectory, 0).Err(abi.ENOTDIR),
			open(in(FD(0)), "d", 0, readWrite).Err(abi.EISDIR),
			open(in(FD(0)), "f\x00", 0, 0).Err(abi.EILSEQ),
			open(in(FD(0)), "f", 0x8000, 0).Err(abi.EINVAL),
			open(in(FD(0))|1<<40, "f", 0, 0).Err(abi.EINVAL),
			open(in(BadFD), "f", 0, 0).Err(abi.EBADF),
			Call(abi.CallFileOpen, in(FD(0)), At(Unmapped, 1), 0, abi.Fdstat{}).Err(abi.EFAULT),
			Call(abi.CallFileOpen, in(FD(0)), At(Unmapped, 1<<63), 0, abi.Fdstat{}).Err(abi.ENAMETOOLONG),
			Call(abi.CallFileOpen, in(FD(0)), "f", 0, Unmapped).Err(abi.EFAULT)),
		T("a file is no directory", dir, File("x"), open(in(FD(1)), "f", 0, 0).Err(abi.ENOTCAPABLE)),
	})
}

func TestFileNames(t *testing.T) {
	dir := Dir(map[string]string{"f": "contents", "d/g": "below", "e/": ""})
	stat := func(path string) *CallStep { return Call(abi.CallFileStatGet, in(FD(0)), path, At(Mem(0), 1)) }
	Run(t, []Test{
		T("directories", dir,
			Call(abi.CallFileCreate, FD(0), "new", abi.FiletypeDirectory), stat("new"),
			Load(0, Mem(16), 1), Check(Var(0), Equal, uint64(abi.FiletypeDirectory)),
			Call(abi.CallFileCreate, FD(0), "new", abi.FiletypeDirectory).Err(abi.EEXIST),
			Call(abi.CallFileCreate, FD(0), "x", abi.FiletypeRegularFile).Err(abi.EINVAL),
			Call(abi.CallFileCreate, FD(0), "../x", abi.FiletypeDirectory).Err(abi.ENOTCAPABLE),
			Call(abi.CallFileUnlink, FD(0), "new", 0).Err(abi.EPERM),
			Call(abi.CallFileUnlink, FD(0), "new", abi.UnlinkRemovedir), stat("new").Err(abi.ENOENT),
			Call(abi.CallFileUnlink, FD(0), "d", abi.UnlinkRemovedir).Err(abi.ENOTEMPTY),
			Call(abi.CallFileUnlink, FD(0), "f", abi.UnlinkRemovedir).Err(abi.ENOTDIR)),
		T("a FIFO of 2016", dir, Call(abi.CallFileCreate, FD(0), "p", abi.FiletypeFifo).Raw(), stat("p").Raw(),
			Load(0, Mem(16), 1), Check(Var(0), Equal, uint64(abi.FiletypeFifo)),
			Call(abi.CallFileOpen, in(FD(0)), "p", 0,
				abi.Fdstat{RightsBase: abi.RightFDWrite, Flags: abi.FdflagNonblock}).Raw().Err(abi.ENXIO),
			Call(abi.CallFileOpen, in(FD(0)), "p", 0,
				abi.Fdstat{RightsBase: abi.RightFDRead, Flags: abi.FdflagNonblock}).Raw().Is(FD(1))),
		T("links", dir, Call(abi.CallFileLink, in(FD(0)), "f", FD(0), "e/h"), stat("e/h"),
			Load(0, Mem(20), 4), Check(Var(0), Equal, 2),
			Call(abi.CallFileLink, in(FD(0)), "f", FD(0), "e/h").Err(abi.EEXIST),
			Call(abi.CallFileLink, in(FD(0)), "d", FD(0), "x").Err(abi.EPERM),
			Call(abi.CallFileLink, in(FD(0)), "f", FD(0), "../x").Err(abi.ENOTCAPABLE)),
		T("symbolic links", dir, Call(abi.CallFileSymlink, "some text", FD(0), "l"),
			Call(abi.CallFileReadlink, FD(0), "l", At(Mem(0), 100)).Is(9), Holds(Mem(0), "some text\x00"),
			Call(abi.CallFileReadlink, FD(0), "l", At(Mem(128), 4)).Is(4), Holds(Mem(128), "some\x00"),
			Call(abi.CallFileReadlink, FD(0), "l", At(Unmapped, 4)).Err(abi.EFAULT),
			Call(abi.CallFileReadlink, FD(0), "f", Out(4)).Err(abi.EINVAL),
			stat("l"), Load(0, Mem(16), 1), Check(Var(0), Equal, uint64(abi.FiletypeSymbolicLink)),
			Call(abi.CallFileStatGet, following(FD(0)), "l", Out(56)).Err(abi.ENOENT)),
		T("rename", dir, Call(abi.CallFileRename, FD(0), "f", FD(0), "e/h"), stat("f").Err(abi.ENOENT), stat("e/h"),
			Call(abi.CallFileRename, FD(0), "e/h", FD(0), "d/g"), stat("d/g"), Load(0, Mem(24), 8), Check(Var(0), Equal, 8),
			Call(abi.CallFileRename, FD(0), "d", FD(0), "d/x").Err(abi.EINVAL),
			Call(abi.CallFileRename, FD(0), ".", FD(0), "x").Err(abi.EINVAL),
			Call(abi.CallFileRename, FD(0), "e", FD(0), "d").Err(abi.ENOTEMPTY),
			Call(abi.CallFileRename, FD(0), "d/g", FD(0), "e").Err(abi.EISDIR),
			Call(abi.CallFileRename, FD(0), "none", FD(0), "x").Err(abi.ENOENT)),
		T("between directories", dir, Dir(nil), Call(abi.CallFileRename, FD(0), "f", FD(1), "f"), stat("f").Err(abi.ENOENT),
			Call(abi.CallFileStatGet, in(FD(1)), "f", Out(56)),
			Call(abi.CallFileLink, in(FD(1)), "f", FD(0), "f"), stat("f")),
		T("times", dir,
			Call(abi.CallFileStatPut, in(FD(0)), "f", abi.Filestat{Atim: 123_000_000_456, Mtim: 789_000_000_012},
				abi.FsflagAtim|abi.FsflagMtim),
			stat("f"), Load(0, Mem(32), 8), Check(Var(0), Equal, uint64(123_000_000_456)),
			Load(1, Mem(40), 8), Check(Var(1), Equal, uint64(789_000_000_012)),
			Call(abi.CallFileStatPut, in(FD(0)), "f", abi.Filestat{}, abi.FsflagAtim|abi.FsflagAtimNow).Err(abi.EINVAL),
			Call(abi.CallFileStatPut, in(FD(0)), "f", abi.Filestat{}, abi.FsflagSize).Err(abi.EINVAL),
			open(in(FD(0)), "f", 0, abi.RightFileStatFputTimes|abi.RightFileStatFget).Is(FD(1)),
			Call(abi.CallFileStatFput, FD(1), abi.Filestat{Mtim: 5}, abi.FsflagMtim),
			Call(abi.CallFileStatFget, FD(1), At(Mem(0), 1)),
			Load(0, Mem(32), 8), Check(Var(0), Equal, uint64(123_000_000_456)),
			Load(1, Mem(40), 8), Check(Var(1), Equal, 5)),
		T("space", File("x"), Call(abi.CallFileAllocate, FD(0), 10, 12), Call(abi.CallFileStatFget, FD(0), At(Mem(0), 1)),
			Load(0, Mem(24), 8), Check(Var(0), Equal, 22),
			Call(abi.CallFileAllocate, FD(0), 0, 0).Err(abi.EINVAL),
			Call(abi.CallFileAllocate, FD(0), -1, 1).Err(abi.EINVAL),
			Call(abi.CallFileAllocate, BadFD, 0, 1).Err(abi.EBADF)),
		T("advice", File("x"), Call(abi.CallFileAdvise, FD(0), 0, 0, abi.AdviceWillneed),
			Call(abi.CallFileAdvise, FD(0), 0, 0, 9).Err(abi.EINVAL),
			Call(abi.CallFileAdvise, BadFD, 0, 0, abi.AdviceNormal).Err(abi.EBADF)),
	})
}

func TestReaddir(t *testing.T) {
	entries := uint64(3*abi.DirentSize + len(".") + len("..") + len("f"))
	Run(t, []Test{
		T("all at once", Dir(map[string]string{"f": ""}),
			Call(abi.CallFileReaddir, FD(0), At(Mem(0), 500), 0).Is(entries),
			// What comes after the first entry is what its cookie leads to.
			Load(0, Mem(0), 8),
			Call(abi.CallFileReaddir, FD(0), At(Mem(1024), 500), Var(0)).To(2),
			Check(Var(2), Below, entries)),
		T("too small a buffer", Dir(map[string]string{"f": ""}),
			Call(abi.CallFileReaddir, FD(0), At(Mem(0), 5), 0).Is(5),
			Holds(Mem(5), "\x00\x00\x00\x00"),
			Call(abi.CallFileReaddir, FD(0), At(Mem(0), 0), 0).Is(0),
			Call(abi.CallFileReaddir, FD(0), At(Mem(0), 500), 0).Is(entries)),
		T("refusals", Dir(nil), File(""),
			Call(abi.CallFileReaddir, FD(0), At(Unmapped, 500), 0).Err(abi.EFAULT),
			Call(abi.CallFileReaddir, FD(0), At(Mem(0), 500), uint64(1)<<63).Err(abi.EINVAL),
			Call(abi.CallFileReaddir, FD(1), Out(100), 0).Err(abi.ENOTCAPABLE),
			Call(abi.CallFileReaddir, BadFD, Out(100), 0).Err(abi.EBADF)),
	})
}
