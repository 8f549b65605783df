package kernel

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"cabitrans/runtime/abi"
)

func TestFileStatGet(t *testing.T) {
	notOnWindows(t, lacksLinks)
	eachFS(t, func(f *fs) {
		f.make("d/", "file", "l>file")
		f.check(os.Link(filepath.Join(f.root, "file"), filepath.Join(f.root, "g")))
		when := time.Unix(123, 456789)
		f.check(os.Chtimes(filepath.Join(f.root, "file"), when, when.Add(time.Hour)))
		st, e := f.stat(follow, "l")
		if e != 0 || st.Filetype != abi.FiletypeRegularFile || st.Size != 4 || st.Nlink != 2 ||
			st.Atim != 123_000_456_789 || st.Mtim != 3723_000_456_789 || st.Ctim < 1e18 || st.Dev == 0 {
			f.Errorf("%+v, %v", st, e)
		}
		if st, e := f.stat(0, "l"); e != 0 || st.Filetype != abi.FiletypeSymbolicLink || st.Size != 4 || st.Nlink != 1 {
			f.Errorf("%+v, %v", st, e)
		}
		dir, e := f.stat(0, "d")
		if e != 0 || dir.Filetype != abi.FiletypeDirectory || dir.Dev != st.Dev {
			f.Errorf("%+v, %v", dir, e)
		}
		fd, e := f.openAt(0, 0, "d", 0, abi.Fdstat{RightsBase: abi.RightFileStatFget})
		if e != 0 {
			f.Error(e)
		}
		if got, e := f.statFD(fd); e != 0 || got != dir {
			f.Errorf("open it is %+v, %v; want %+v", got, e, dir)
		}
		f.close(fd)
		// A time before 1970, which the ABI cannot say, and one that takes all its bits.
		early := time.Unix(-5, 0)
		f.check(os.Chtimes(filepath.Join(f.root, "file"), early, early))
		if st, e := f.stat(0, "file"); e != 0 || st.Mtim != 0 || st.Atim != 0 {
			f.Errorf("before 1970: %+v, %v", st, e)
		}
		const late = 9_300_000_000_000_000_001 // in 2264, beyond 2^63 ns
		f.statPut(0, "file", abi.Filestat{Atim: late, Mtim: late}, abi.FsflagAtim|abi.FsflagMtim)
		if st, e := f.stat(0, "file"); e != 0 || st.Mtim != late || st.Atim != late {
			f.Errorf("in 2264: %+v, %v", st, e)
		}
		if _, e := f.do(abi.CallFileStatGet, 0, f.str("d"), 1, badAddr); e != abi.EFAULT {
			f.Errorf("to nowhere: %v", e)
		}
	})
}

func TestFileTimes(t *testing.T) {
	notOnWindows(t, lacksLinks)
	const atim, atimNow, mtim, mtimNow = abi.FsflagAtim, abi.FsflagAtimNow, abi.FsflagMtim, abi.FsflagMtimNow
	const size = abi.FsflagSize
	const old, at, mt = 1_000_000_001, 123_000_000_456, 789_000_000_012 // ns
	const later = 9_000_000_000_000_000_001                             // in 2255
	set := abi.Filestat{Atim: at, Mtim: mt}
	now := uint64(time.Now().Add(-time.Minute).UnixNano())
	tests := []struct {
		flags      abi.Fsflags
		st         abi.Filestat
		put, fput  abi.Errno
		atim, mtim uint64 // afterwards; now means that or later
	}{
		{atim, set, 0, 0, at, old},
		{mtim, set, 0, 0, old, mt},
		{atim | mtim, set, 0, 0, at, mt},
		{atimNow, set, 0, 0, now, old},
		{mtimNow, set, 0, 0, old, now},
		{atimNow | mtimNow, set, 0, 0, now, now},
		{atim | mtimNow, set, 0, 0, at, now},
		{atim | mtim, abi.Filestat{Mtim: later}, 0, 0, 0, later},
		{0, set, 0, abi.EINVAL, old, old},
		{atim | atimNow, set, abi.EINVAL, abi.EINVAL, old, old},
		{mtim | mtimNow, set, abi.EINVAL, abi.EINVAL, old, old},
		{atim | mtim | mtimNow, set, abi.EINVAL, abi.EINVAL, old, old},
		{size | atim, set, abi.EINVAL, abi.EINVAL, old, old},
		{0x20, set, abi.EINVAL, abi.EINVAL, old, old},
		{0x8000 | mtim, set, abi.EINVAL, abi.EINVAL, old, old},
	}
	eachFS(t, func(f *fs) {
		f.make("file", "l>file", "dangling>none", "dl>d", "d/")
		fd, e := f.openAt(0, 0, "file", 0, abi.Fdstat{RightsBase: abi.RightFileStatFputTimes})
		if e != 0 {
			f.Error(e)
			return
		}
		reset := func() {
			o := time.Unix(0, old)
			f.check(os.Chtimes(filepath.Join(f.root, "file"), o, o))
		}
		check := func(how string, flags abi.Fsflags, wantAtim, wantMtim uint64) {
			st, e := f.stat(0, "file")
			same := func(got abi.Timestamp, want uint64) bool {
				return uint64(got) == want || want == now && uint64(got) >= now && uint64(got) < later
			}
			if e != 0 || !same(st.Atim, wantAtim) || !same(st.Mtim, wantMtim) {
				f.Errorf("%s, %v: %d, %d, %v; want %d, %d", how, flags, st.Atim, st.Mtim, e, wantAtim, wantMtim)
			}
		}
		for _, tt := range tests {
			reset()
			if e := f.statFput(fd, tt.st, tt.flags); e != tt.fput {
				f.Errorf("fput %v: %v, want %v", tt.flags, e, tt.fput)
			}
			check("fput", tt.flags, tt.atim, tt.mtim)
			for _, p := range []string{"file", "l"} {
				reset()
				if e := f.statPut(follow, p, tt.st, tt.flags); e != tt.put {
					f.Errorf("put %v: %v, want %v", tt.flags, e, tt.put)
				}
				check("put to "+p, tt.flags, tt.atim, tt.mtim)
			}
		}
		f.close(fd)
		// Links have times of their own.
		reset()
		for _, p := range []string{"l", "dangling"} {
			if e := f.statPut(0, p, set, atim|mtim); e != 0 {
				f.Errorf("put to %s: %v", p, e)
			}
			if st, e := f.stat(0, p); e != 0 || st.Atim != at || st.Mtim != mt {
				f.Errorf("%s: %+v, %v", p, st, e)
			}
		}
		check("put to a link", atim, old, old)
		for _, tt := range []struct {
			path  string
			flags abi.Lookupflags
			want  abi.Errno
		}{
			{"dangling", follow, abi.ENOENT}, {"none", 0, abi.ENOENT}, {"file/", 0, abi.ENOTDIR}, {"l/", 0, abi.ENOTDIR},
			{"d/", 0, 0}, {"dl/", 0, 0}, {".", 0, 0}, {"", 0, abi.ENOENT}, {"..", 0, abi.ENOTCAPABLE},
			{"../outside/file", follow, abi.ENOTCAPABLE},
		} {
			if e := f.statPut(tt.flags, tt.path, set, atim); e != tt.want {
				f.Errorf("put to %q: %v, want %v", tt.path, e, tt.want)
			}
		}
		if _, e := f.do(abi.CallFileStatPut, 0, f.str("d"), 1, badAddr, 1); e != abi.EFAULT {
			f.Errorf("from nowhere: %v", e)
		}
		if _, e := f.do(abi.CallFileStatFput, 0, badAddr, 1); e != abi.EFAULT {
			f.Errorf("from nowhere: %v", e)
		}
	})
}

func TestFileSize(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("file")
		fd, e := f.openAt(0, 0, "file", 0, abi.Fdstat{RightsBase: abi.RightFileStatFputSize | abi.RightFileStatFget})
		if e != 0 {
			f.Error(e)
			return
		}
		for _, tt := range []struct {
			size uint64
			want abi.Errno
			then abi.Filesize
		}{{100, 0, 100}, {2, 0, 2}, {1 << 63, abi.EINVAL, 2}, {^uint64(0), abi.EINVAL, 2}, {0, 0, 0}} {
			if e := f.statFput(fd, abi.Filestat{Size: abi.Filesize(tt.size)}, abi.FsflagSize); e != tt.want {
				f.Errorf("size %d: %v, want %v", tt.size, e, tt.want)
			}
			if st, _ := f.statFD(fd); st.Size != tt.then {
				f.Errorf("size %d made %d of it", tt.size, st.Size)
			}
		}
		if e := f.statPut(0, "file", abi.Filestat{}, abi.FsflagSize); e != abi.EINVAL {
			f.Errorf("size by path: %v", e)
		}
		f.close(fd)
	})
}

func TestFileAllocate(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("file", "d/")
		fd, e := f.openAt(0, 0, "file", 0,
			abi.Fdstat{RightsBase: abi.RightFileAllocate | abi.RightFileStatFget | abi.RightFDRead})
		ro, e2 := f.openAt(0, 0, "file", 0, abi.Fdstat{RightsBase: abi.RightFDRead})
		if e != 0 || e2 != 0 {
			f.Error(e, e2)
			return
		}
		for _, tt := range []struct {
			fd, off, n uint64
			want       abi.Errno
			then       abi.Filesize
		}{
			{fd, 1, 1, 0, 4},
			{fd, 10, 12, 0, 22},
			{fd, 0, 4, 0, 22},
			{fd, 0, 0, abi.EINVAL, 22},
			{fd, 1 << 63, 1, abi.EINVAL, 22},
			{fd, 1, 1 << 63, abi.EINVAL, 22},
			{fd, 1<<63 - 1, 1<<63 - 1, abi.EFBIG, 22},
			{77, 1 << 63, 1, abi.EINVAL, 22}, // as the C library looks at the numbers first
			{77, 0, 1, abi.EBADF, 22},
			{ro, 0, 1, abi.ENOTCAPABLE, 22},
			{0, 0, 1, abi.ENOTCAPABLE, 22},
		} {
			if _, e := f.do(abi.CallFileAllocate, tt.fd, tt.off, tt.n); e != tt.want {
				f.Errorf("%d bytes at %d of %d: %v, want %v", tt.n, tt.off, tt.fd, e, tt.want)
			}
			if st, _ := f.statFD(fd); st.Size != tt.then {
				f.Errorf("%d bytes at %d: then there are %d, want %d", tt.n, tt.off, st.Size, tt.then)
			}
		}
		f.close(fd)
		f.close(ro)
	})
}

func TestFileAdvise(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("file")
		fd, e := f.openAt(0, 0, "file", 0, abi.Fdstat{RightsBase: abi.RightFileAdvise})
		if e != 0 {
			f.Error(e)
			return
		}
		for _, tt := range []struct {
			fd, off, n uint64
			advice     uint64
			want       abi.Errno
		}{
			{fd, 0, 0, 1, 0}, {fd, 0, 10, 2, 0}, {fd, 5, 10, 3, 0}, {fd, 0, 1<<63 - 1, 4, 0}, {fd, 1<<63 - 1, 1<<63 - 1, 5, 0},
			{fd, 1 << 40, 10, 6, 0}, {0, 0, 0, 3, 0},
			{fd, 0, 0, 0x1_0000_0003, 0}, // garbage above a narrow argument
			{fd, 0, 0, 0, abi.EINVAL}, {fd, 0, 0, 7, abi.EINVAL}, {fd, 0, 0, 255, abi.EINVAL},
			{fd, 1 << 63, 1, 3, abi.EINVAL}, {fd, 0, 1 << 63, 3, abi.EINVAL},
			{77, 0, 0, 7, abi.EINVAL}, {77, 0, 0, 3, abi.EBADF},
		} {
			if _, e := f.do(abi.CallFileAdvise, tt.fd, tt.off, tt.n, tt.advice); e != tt.want {
				f.Errorf("advice %d for %d bytes at %d of %d: %v, want %v", tt.advice, tt.n, tt.off, tt.fd, e, tt.want)
			}
		}
		f.close(fd)
	})
}
