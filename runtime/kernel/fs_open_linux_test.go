package kernel

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

func TestFileOpen(t *testing.T) {
	const rd, wr = abi.RightFDRead, abi.RightFDWrite
	open := func(flags abi.Lookupflags, path string, o abi.Oflags, base abi.Rights) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.open(flags, path, o, base) }
	}
	runCases(t, []fsCase{
		{"read", "f", open(0, "f", 0, rd), 0, "f"},
		{"no rights", "f", open(0, "f", 0, 0), 0, "f"},
		{"directory", "d/", open(0, "d", abi.ODirectory, abi.RightFileReaddir), 0, "d/"},
		{"directory, unasked", "d/", open(0, "d", 0, rd), 0, "d/"},
		{"directory, slash", "d/", open(0, "d/", 0, rd), 0, "d/"},
		{"dot", "", open(0, ".", 0, rd), 0, ""},
		{"directory to write", "d/", open(0, "d", 0, wr), abi.EISDIR, "d/"},
		{"not a directory", "f", open(0, "f", abi.ODirectory, rd), abi.ENOTDIR, "f"},
		{"slash", "f", open(0, "f/", 0, rd), abi.ENOTDIR, "f"},
		{"none", "", open(0, "f", 0, rd), abi.ENOENT, ""},
		{"create", "", open(0, "f", abi.OCreat, wr), 0, "f"},
		{"create what is there", "f", open(0, "f", abi.OCreat, wr), 0, "f"},
		{"create to read", "", open(0, "f", abi.OCreat, rd), 0, "f"},
		{"create, slash", "", open(0, "f/", abi.OCreat, wr), abi.EISDIR, ""},
		{"create a directory, slash", "d/", open(0, "d/", abi.OCreat, rd), abi.EISDIR, "d/"},
		{"create a directory", "d/", open(0, "d", abi.OCreat, rd), abi.EISDIR, "d/"},
		{"create dot", "", open(0, ".", abi.OCreat, rd), abi.EISDIR, ""},
		{"create by a link to nothing", "l>f", open(follow, "l", abi.OCreat, wr), 0, "f l>f"},
		{"create by a link, not following", "l>f", open(0, "l", abi.OCreat, wr), abi.ELOOP, "l>f"},
		{"create by a link out", "l>../new", open(follow, "l", abi.OCreat, wr), abi.ENOTCAPABLE, "l>../new"},
		{"create, no parent", "", open(0, "none/f", abi.OCreat, wr), abi.ENOENT, ""},
		{"create with directory", "", open(0, "d", abi.OCreat|abi.ODirectory, rd), abi.EINVAL, ""},
		{"exclusive", "", open(0, "f", abi.OCreat|abi.OExcl, wr), 0, "f"},
		{"exclusive, exists", "f", open(0, "f", abi.OCreat|abi.OExcl, wr), abi.EEXIST, "f"},
		{"exclusive, link to nothing", "l>f", open(follow, "l", abi.OCreat|abi.OExcl, wr), abi.EEXIST, "l>f"},
		{"exclusive, link out", "l>../../outside/file", open(follow, "l", abi.OCreat|abi.OExcl, wr), abi.EEXIST,
			"l>../../outside/file"},
		{"exclusive without create", "f", open(0, "f", abi.OExcl, rd), 0, "f"},
		{"link", "f l>f", open(follow, "l", 0, rd), 0, "f l>f"},
		{"link, not following", "f l>f", open(0, "l", 0, rd), abi.ELOOP, "f l>f"},
		{"link to directory", "d/ l>d", open(follow, "l", abi.ODirectory, rd), 0, "d/ l>d"},
		{"link to directory, slash", "d/ l>d", open(0, "l/", abi.ODirectory, rd), 0, "d/ l>d"},
		{"loop", "l>l", open(follow, "l", 0, rd), abi.ELOOP, "l>l"},
		{"link out", "l>../../outside/file", open(follow, "l", 0, rd), abi.ENOTCAPABLE, "l>../../outside/file"},
		{"truncate by a link out", "l>../../outside/file", open(follow, "l", abi.OTrunc, wr), abi.ENOTCAPABLE,
			"l>../../outside/file"},
		{"unknown oflag", "f", open(0, "f", 0x10, rd), abi.EINVAL, "f"},
		{"unknown lookup flag", "f", open(2, "f", 0, rd), abi.EINVAL, "f"},
		{"unknown fdflag", "f", func(f *fs) abi.Errno {
			_, e := f.openAt(f.dir, 0, "f", 0, abi.Fdstat{Flags: 0x20})
			return e
		}, abi.EINVAL, "f"},
		{"no such descriptor", "f", func(f *fs) abi.Errno {
			_, e := f.openAt(77, 0, "f", 0, abi.Fdstat{})
			return e
		}, abi.EBADF, "f"},
		{"not a directory's descriptor", "f", func(f *fs) abi.Errno {
			fd, _ := f.openAt(f.dir, 0, "f", 0, abi.Fdstat{})
			_, e := f.openAt(fd, 0, "f", 0, abi.Fdstat{})
			f.close(fd)
			return e
		}, abi.ENOTCAPABLE, "f"},
	})
}

// What is asked for decides how the file is opened; what it is, which of the rights
// it gets.
func TestFileOpenRights(t *testing.T) {
	const rd, wr = abi.RightFDRead, abi.RightFDWrite
	all := rightsDirectory2020 | rightsRegular
	acc := func(fd uint64, f *fs) int {
		n, _ := unix.FcntlInt(uintptr(f.p.fds.peek(abi.FD(fd)).obj.fd), unix.F_GETFL, 0)
		return n & (unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK | unix.O_SYNC)
	}
	eachFS(t, func(f *fs) {
		f.make("f", "d/")
		for _, tt := range []struct {
			name  string
			path  string
			st    abi.Fdstat
			o     abi.Oflags
			flags int
			want  abi.Fdstat
		}{
			{"all of a file", "f", abi.Fdstat{RightsBase: all, RightsInheriting: all}, 0, unix.O_RDWR,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: rightsRegular}},
			{"all of a directory but writing", "d", abi.Fdstat{RightsBase: all &^ rightsThatWrite, RightsInheriting: all}, 0,
				unix.O_RDONLY, abi.Fdstat{Filetype: abi.FiletypeDirectory, RightsBase: rightsDirectory2020, RightsInheriting: all}},
			{"nothing", "f", abi.Fdstat{}, 0, unix.O_RDONLY, abi.Fdstat{Filetype: abi.FiletypeRegularFile}},
			{"read", "f", abi.Fdstat{RightsBase: rd}, 0, unix.O_RDONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: rd}},
			{"write", "f", abi.Fdstat{RightsBase: wr}, 0, unix.O_WRONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: wr}},
			{"read and write", "f", abi.Fdstat{RightsBase: rd | wr}, 0, unix.O_RDWR,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: rd | wr}},
			{"execute", "f", abi.Fdstat{RightsBase: abi.RightMemMapExec}, 0, unix.O_RDONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: abi.RightMemMapExec}},
			{"datasync", "f", abi.Fdstat{RightsBase: abi.RightFDDatasync}, 0, unix.O_WRONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: abi.RightFDDatasync}},
			{"allocate", "f", abi.Fdstat{RightsBase: abi.RightFileAllocate}, 0, unix.O_WRONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: abi.RightFileAllocate}},
			{"size", "f", abi.Fdstat{RightsBase: abi.RightFileStatFputSize}, 0, unix.O_WRONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: abi.RightFileStatFputSize}},
			{"inheriting of a file", "f", abi.Fdstat{RightsInheriting: rd}, 0, unix.O_RDONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile}},
			{"append", "f", abi.Fdstat{RightsBase: wr, Flags: abi.FdflagAppend}, 0, unix.O_WRONLY | unix.O_APPEND,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: wr, Flags: abi.FdflagAppend}},
			{"nonblock", "f", abi.Fdstat{Flags: abi.FdflagNonblock}, 0, unix.O_NONBLOCK,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, Flags: abi.FdflagNonblock}},
			{"dsync", "f", abi.Fdstat{Flags: abi.FdflagDsync}, 0, unix.O_DSYNC,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, Flags: abi.FdflagDsync}},
			{"sync", "f", abi.Fdstat{Flags: abi.FdflagSync}, 0, unix.O_SYNC,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, Flags: abi.FdflagSync}},
			{"rsync is sync", "f", abi.Fdstat{Flags: abi.FdflagRsync}, 0, unix.O_SYNC,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile, Flags: abi.FdflagSync}},
			{"the type is passed over", "f", abi.Fdstat{Filetype: 0xff}, 0, unix.O_RDONLY,
				abi.Fdstat{Filetype: abi.FiletypeRegularFile}},
		} {
			fd, e := f.openAt(0, 0, tt.path, tt.o, tt.st)
			if e != 0 {
				f.Errorf("%s: %v", tt.name, e)
				continue
			}
			if got := f.fdstat(fd); got != tt.want {
				f.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			}
			if got := acc(fd, f); got != tt.flags {
				f.Errorf("%s: opened with %#x, want %#x", tt.name, got, tt.flags)
			}
			f.close(fd)
		}
	})
}

// Each right that file_open needs: it fails when that one alone is missing.
func TestFileOpenNeeds(t *testing.T) {
	const wr, size = abi.RightFDWrite, abi.RightFileStatFputSize
	tests := []struct {
		name             string
		o                abi.Oflags
		st               abi.Fdstat
		base, inheriting abi.Rights // needed
	}{
		{"open", 0, abi.Fdstat{}, abi.RightFileOpen, 0},
		{"create", abi.OCreat, abi.Fdstat{}, abi.RightFileOpen | abi.RightFileCreateFile, 0},
		{"truncate", abi.OTrunc, abi.Fdstat{}, abi.RightFileOpen, size},
		{"base", 0, abi.Fdstat{RightsBase: abi.RightFDRead | abi.RightFDTell}, abi.RightFileOpen,
			abi.RightFDRead | abi.RightFDTell},
		{"inheriting", 0, abi.Fdstat{RightsInheriting: abi.RightFDTell}, abi.RightFileOpen, abi.RightFDTell},
		{"write", 0, abi.Fdstat{RightsBase: wr}, abi.RightFileOpen, wr | abi.RightFDSeek},
		{"append", 0, abi.Fdstat{RightsBase: wr, Flags: abi.FdflagAppend}, abi.RightFileOpen, wr},
		{"write, truncate", abi.OTrunc, abi.Fdstat{RightsBase: wr}, abi.RightFileOpen, wr | size},
		{"dsync", 0, abi.Fdstat{Flags: abi.FdflagDsync}, abi.RightFileOpen, abi.RightFDDatasync},
		{"dsync by sync", 0, abi.Fdstat{Flags: abi.FdflagDsync}, abi.RightFileOpen, abi.RightFDSync},
		{"sync", 0, abi.Fdstat{Flags: abi.FdflagSync}, abi.RightFileOpen, abi.RightFDSync},
		{"rsync", 0, abi.Fdstat{Flags: abi.FdflagRsync}, abi.RightFileOpen, abi.RightFDSync},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			try := func(base, inheriting abi.Rights, want abi.Errno) {
				t.Helper()
				newFS(t, false, func(f *fs) {
					f.make("f")
					f.limitBoth(0, ^base, ^inheriting)
					fd, e := f.openAt(0, 0, "f", tt.o, tt.st)
					if e != want {
						t.Errorf("with %v, inheriting %v: %v, want %v", base, inheriting, e, want)
					}
					if e == 0 {
						f.close(fd)
					}
				})
			}
			try(tt.base, tt.inheriting, 0)
			for bit := abi.Rights(1); bit != 0; bit <<= 1 {
				if tt.base&bit != 0 {
					try(tt.base&^bit, tt.inheriting, abi.ENOTCAPABLE)
				}
				if tt.inheriting&bit != 0 {
					try(tt.base, tt.inheriting&^bit, abi.ENOTCAPABLE)
				}
			}
		})
	}
}

// The other calls on paths need one right each.
func TestPathRights(t *testing.T) {
	for _, tt := range []struct {
		name string
		need abi.Rights
		call func(f *fs) abi.Errno
	}{
		{"file_create", abi.RightFileCreateDirectory,
			func(f *fs) abi.Errno { return f.create("new", abi.FiletypeDirectory) }},
		{"file_link", abi.RightFileLinkSource | abi.RightFileLinkTarget,
			func(f *fs) abi.Errno { return f.link(0, "f", "new") }},
		{"file_rename", abi.RightFileRenameSource | abi.RightFileRenameTarget,
			func(f *fs) abi.Errno { return f.rename("f", "new") }},
		{"file_symlink", abi.RightFileSymlink, func(f *fs) abi.Errno { return f.symlink("f", "new") }},
		{"file_unlink", abi.RightFileUnlink, func(f *fs) abi.Errno { return f.unlink("f", 0) }},
		{"file_readlink", abi.RightFileReadlink, func(f *fs) abi.Errno { _, e := f.readlink("l", 9); return e }},
		{"file_stat_get", abi.RightFileStatGet, func(f *fs) abi.Errno { _, e := f.stat(0, "f"); return e }},
		{"file_stat_put", abi.RightFileStatPutTimes,
			func(f *fs) abi.Errno { return f.statPut(0, "f", abi.Filestat{}, abi.FsflagAtimNow) }},
		{"file_stat_fput", abi.RightFileStatFputTimes,
			func(f *fs) abi.Errno { return f.statFput(0, abi.Filestat{}, abi.FsflagAtimNow) }},
		{"file_readdir", abi.RightFileReaddir, func(f *fs) abi.Errno { _, _, e := f.readdir(0, 0, 100); return e }},
		{"file_advise", abi.RightFileAdvise,
			func(f *fs) abi.Errno { _, e := f.do(abi.CallFileAdvise, 0, 0, 0, 3); return e }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			try := func(has abi.Rights, want abi.Errno) {
				t.Helper()
				newFS(t, false, func(f *fs) {
					f.make("f", "l>f")
					f.limitBoth(0, ^has, 0)
					if e := tt.call(f); e != want {
						t.Errorf("with %v: %v, want %v", has, e, want)
					}
				})
			}
			try(tt.need, 0)
			for bit := abi.Rights(1); bit != 0; bit <<= 1 {
				if tt.need&bit != 0 {
					try(^bit, abi.ENOTCAPABLE)
				}
			}
		})
	}
}

// What truncates does so, what appends writes behind, whatever else is there.
func TestFileOpenContents(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("file")
		read := func() string {
			b, err := os.ReadFile(filepath.Join(f.root, "file"))
			f.check(err)
			return string(b)
		}
		for _, tt := range []struct {
			o    abi.Oflags
			fl   abi.Fdflags
			want string
		}{
			{0, 0, "abcd"}, {0, 0, "abcd"}, {0, abi.FdflagAppend, "abcdabcd"}, {abi.OTrunc, 0, "abcd"},
			{abi.OCreat, abi.FdflagAppend, "abcdabcd"},
			{abi.OTrunc | abi.OCreat, abi.FdflagAppend, "abcd"},
		} {
			fd, e := f.openAt(0, 0, "file", tt.o, abi.Fdstat{RightsBase: abi.RightFDWrite, Flags: tt.fl})
			if e != 0 {
				f.Errorf("open: %v", e)
				continue
			}
			if _, e := f.write(fd, "abcd"); e != 0 {
				f.Errorf("write: %v", e)
			}
			f.close(fd)
			if got := read(); got != tt.want {
				f.Errorf("with %v, %v the file is %q, want %q", tt.o, tt.fl, got, tt.want)
			}
		}
		if e := f.open(0, "file", abi.OTrunc, abi.RightFDWrite); e != 0 || read() != "" {
			f.Errorf("truncated: %v, %q", e, read())
		}
	})
}

// Sockets cannot be opened. FIFOs can: with nonblock at once, else when there are
// two; whoever waits for the second hears kicks.
func TestFileOpenSpecial(t *testing.T) {
	const rd, wr = abi.RightFDRead, abi.RightFDWrite
	eachFS(t, func(f *fs) {
		fifo := filepath.Join(f.root, "p")
		f.check(unix.Mkfifo(fifo, 0o600))
		s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		f.check(err)
		defer unix.Close(s)
		f.check(unix.Bind(s, &unix.SockaddrUnix{Name: filepath.Join(f.root, "s")}))
		f.make("ls>s")
		for _, base := range []abi.Rights{0, rd, wr, rd | wr} {
			if e := f.open(0, "s", 0, base); e != abi.ENOTSUP {
				f.Errorf("a socket opened with %v: %v", base, e)
			}
			if e := f.open(follow, "ls", 0, base); e != abi.ENOTSUP {
				f.Errorf("a link to a socket: %v", e)
			}
		}
		nonblock := func(base abi.Rights) (uint64, abi.Errno) {
			return f.openAt(0, 0, "p", 0, abi.Fdstat{RightsBase: base | abi.RightFileStatFget | abi.RightFDSeek,
				RightsInheriting: abi.RightFDRead, Flags: abi.FdflagNonblock})
		}
		if _, e := nonblock(wr); e != abi.ENXIO {
			f.Errorf("to write, without a reader: %v", e)
		}
		r, e := nonblock(rd)
		if e != 0 {
			f.Errorf("to read: %v", e)
			return
		}
		want := abi.Fdstat{Filetype: abi.FiletypeSocketStream, RightsBase: rd | abi.RightFileStatFget,
			RightsInheriting: abi.RightFDRead, Flags: abi.FdflagNonblock}
		if f.raw {
			want.Filetype, want.RightsInheriting = abi.FiletypeFifo, 0
		}
		if st := f.fdstat(r); st != want {
			f.Errorf("%+v, want %+v", st, want)
		}
		w, e := nonblock(wr)
		if e != 0 {
			f.Errorf("to write, with a reader: %v", e)
			return
		}
		if n, e := f.write(w, "x"); n != 1 || e != 0 {
			f.Errorf("wrote %d, %v", n, e)
		}
		f.close(w)
		f.close(r)
	})
}

func TestFileOpenFifoWaits(t *testing.T) {
	newFS(t, false, func(f *fs) {
		fifo := filepath.Join(f.root, "p")
		f.check(unix.Mkfifo(fifo, 0o600))
		b := make([]byte, abi.FdstatSize)
		(&abi.Fdstat{RightsBase: abi.RightFDRead}).Encode(b)
		st, path, n := f.bytes(b), f.bytes([]byte("p")), f.alloc(8)
		started, kicked := make(chan *Thread, 1), make(chan Outcome, 1)
		done := f.spawn(func(th *Thread) {
			started <- th
			a := [8]uint64{0, path, 1, 0, st, n}
			kicked <- th.CallVDSO(abi.CallFileOpen, &a)
			th.Host.ClearKick()
			f.expect(th, 0, abi.CallFileOpen, a[0], a[1], a[2], a[3], a[4], a[5])
		})
		th := <-started
		time.Sleep(5 * time.Millisecond)
		th.Host.Kick()
		if o := <-kicked; o.Action != ActionRestart {
			f.Errorf("a kicked open: %+v", o)
		}
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		f.check(err)
		f.within(done, "open")
		w.Close()
	})
}
