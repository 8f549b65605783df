package kernel

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// An fs makes the calls on files as a guest does that has one directory, its
// descriptor 0, granted.
type fs struct {
	*fixture
	th   *Thread
	raw  bool   // by the raw instruction
	root string // the path on the host of the directory that paths begin at
	dir  uint64 // its descriptor
	data uint64 // guest memory for arguments
	used uint64
}

const fsMemory = 24 // pages

// eachFS runs do in fresh trees: in both forms of calls, and with the host's
// resolution of paths and without. The root has a sibling, outside, with a file and
// a directory that nothing may touch.
func eachFS(t *testing.T, do func(f *fs)) {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("only Linux and Windows have file calls yet")
	}
	for _, mode := range []struct {
		name      string
		raw, walk bool
	}{{"vdso", false, false}, {"raw", true, false}, {"vdso-walk", false, true}, {"raw-walk", true, true}} {
		t.Run(mode.name, func(t *testing.T) {
			host.WalkOnly(mode.walk)
			defer host.WalkOnly(false)
			newFS(t, mode.raw, do)
		})
	}
}

func newFS(t testing.TB, raw bool, do func(f *fs)) {
	t.Helper()
	top := testdir.New(t)
	root, outside := filepath.Join(top, "root"), filepath.Join(top, "outside")
	for _, dir := range []string{root, outside, filepath.Join(outside, "dir")} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("canary"), 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f := &fs{fixture: newFixture(t, Grant{HostFD: int(d.Fd())}), raw: raw, root: root}
	f.data = f.pages(fsMemory)
	f.run(func(th *Thread) {
		f.th = th
		do(f)
	})
}

// mem returns n bytes of guest memory that hold b until the next call.
func (f *fs) mem(b []byte, n int) uint64 {
	addr := f.data + f.used
	f.used += uint64(max(n, len(b))+15) &^ 15
	if f.used > fsMemory*abi.PageSize {
		f.Error("the test needs more guest memory")
		return 0
	}
	if err := f.fixture.mem.CopyOut(addr, b); err != nil {
		f.Error(err)
	}
	return addr
}

func (f *fs) str(s string) uint64 { return f.mem([]byte(s), 0) }

// do makes a call and returns its first result.
func (f *fs) do(c abi.Call, args ...uint64) (uint64, abi.Errno) {
	info := c.Info()
	var a [8]uint64
	copy(a[:], args)
	var r uint64
	if !f.raw && len(info.Results) > 0 {
		r = f.mem(nil, 16)
		a[len(args)] = r
	}
	f.used = 0
	for {
		var r0 uint64
		var o Outcome
		if f.raw {
			r0, _, o = f.th.CallRaw(uint64(info.Num2016), &a)
		} else if o = f.th.CallVDSO(c, &a); r != 0 && o == (Outcome{}) {
			if r0 = f.get64(r); info.Results[0].Size() == 4 {
				r0 &= 1<<32 - 1
			}
		}
		if o.Action == ActionRestart {
			f.th.Host.ClearKick()
			continue
		}
		if o.Action != ActionContinue {
			f.Errorf("%v: action %d", c, o.Action)
		}
		return r0, o.Errno
	}
}

func at(fd uint64, flags abi.Lookupflags) uint64 {
	return abi.Lookup{FD: abi.FD(fd), Flags: flags}.Arg()
}

const follow = abi.LookupSymlinkFollow

func (f *fs) openAt(dir uint64, flags abi.Lookupflags, path string, o abi.Oflags, st abi.Fdstat) (uint64, abi.Errno) {
	b := make([]byte, abi.FdstatSize)
	st.Encode(b)
	return f.do(abi.CallFileOpen, at(dir, flags), f.str(path), uint64(len(path)), uint64(o), f.mem(b, 0))
}

// open opens below the root and closes at once what it got.
func (f *fs) open(flags abi.Lookupflags, path string, o abi.Oflags, base abi.Rights) abi.Errno {
	fd, e := f.openAt(f.dir, flags, path, o, abi.Fdstat{RightsBase: base})
	if e == 0 {
		f.close(fd)
	}
	return e
}

func (f *fs) close(fd uint64) {
	f.Helper()
	if _, e := f.do(abi.CallFDClose, fd); e != 0 {
		f.Errorf("fd_close(%d) = %v", fd, e)
	}
}

func (f *fs) create(path string, typ abi.Filetype) abi.Errno {
	_, e := f.do(abi.CallFileCreate, f.dir, f.str(path), uint64(len(path)), uint64(typ))
	return e
}

func (f *fs) link(flags abi.Lookupflags, from, to string) abi.Errno {
	_, e := f.do(abi.CallFileLink, at(f.dir, flags), f.str(from), uint64(len(from)), f.dir, f.str(to), uint64(len(to)))
	return e
}

func (f *fs) rename(from, to string) abi.Errno {
	_, e := f.do(abi.CallFileRename, f.dir, f.str(from), uint64(len(from)), f.dir, f.str(to), uint64(len(to)))
	return e
}

func (f *fs) symlink(text, path string) abi.Errno {
	_, e := f.do(abi.CallFileSymlink, f.str(text), uint64(len(text)), f.dir, f.str(path), uint64(len(path)))
	return e
}

func (f *fs) unlink(path string, flags abi.Ulflags) abi.Errno {
	_, e := f.do(abi.CallFileUnlink, f.dir, f.str(path), uint64(len(path)), uint64(flags))
	return e
}

// readlink returns the first n bytes of a link.
func (f *fs) readlink(path string, n uint64) (string, abi.Errno) {
	buf := f.mem(nil, 5000)
	used, e := f.do(abi.CallFileReadlink, f.dir, f.str(path), uint64(len(path)), buf, n)
	if e != 0 || used > 5000 {
		return "", e
	}
	return string(f.get(buf, int(used))), 0
}

func (f *fs) stat(flags abi.Lookupflags, path string) (st abi.Filestat, e abi.Errno) {
	buf := f.mem(nil, abi.FilestatSize)
	if _, e = f.do(abi.CallFileStatGet, at(f.dir, flags), f.str(path), uint64(len(path)), buf); e == 0 {
		st.Decode(f.get(buf, abi.FilestatSize))
	}
	return st, e
}

func (f *fs) statFD(fd uint64) (st abi.Filestat, e abi.Errno) {
	buf := f.mem(nil, abi.FilestatSize)
	if _, e = f.do(abi.CallFileStatFget, fd, buf); e == 0 {
		st.Decode(f.get(buf, abi.FilestatSize))
	}
	return st, e
}

func (f *fs) fdstat(fd uint64) (st abi.Fdstat) {
	f.Helper()
	buf := f.mem(nil, abi.FdstatSize)
	if _, e := f.do(abi.CallFDStatGet, fd, buf); e != 0 {
		f.Errorf("fd_stat_get(%d) = %v", fd, e)
	}
	st.Decode(f.get(buf, abi.FdstatSize))
	return st
}

func (f *fs) statPut(flags abi.Lookupflags, path string, st abi.Filestat, what abi.Fsflags) abi.Errno {
	b := make([]byte, abi.FilestatSize)
	st.Encode(b)
	_, e := f.do(abi.CallFileStatPut, at(f.dir, flags), f.str(path), uint64(len(path)), f.mem(b, 0), uint64(what))
	return e
}

func (f *fs) statFput(fd uint64, st abi.Filestat, what abi.Fsflags) abi.Errno {
	b := make([]byte, abi.FilestatSize)
	st.Encode(b)
	_, e := f.do(abi.CallFileStatFput, fd, f.mem(b, 0), uint64(what))
	return e
}

func (f *fs) write(fd uint64, s string) (uint64, abi.Errno) {
	b := make([]byte, abi.IovecSize)
	(&abi.Iovec{Buf: f.str(s), Len: uint64(len(s))}).Encode(b)
	return f.do(abi.CallFDWrite, fd, f.mem(b, 0), 1)
}

// make builds what the host ought to have under the root: "d/" is a directory, "f"
// and "l>t" a link that says t.
func (f *fs) make(names ...string) {
	f.Helper()
	for _, n := range names {
		var err error
		if i := strings.IndexByte(n, 0x3e); i >= 0 {
			err = os.Symlink(n[i+1:], filepath.Join(f.root, n[:i]))
		} else if n[len(n)-1] == '/' {
			err = os.MkdirAll(filepath.Join(f.root, n), 0o777)
		} else {
			err = os.WriteFile(filepath.Join(f.root, n), []byte(n), 0o666)
		}
		if err != nil {
			f.Error(err)
		}
	}
}
