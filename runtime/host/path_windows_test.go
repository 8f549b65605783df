package host

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"cabitrans/internal/testdir"
)

// hostThread is the host side of a guest thread, which the test then runs on.
func hostThread(t *testing.T) *Thread {
	t.Helper()
	space(t)
	th, err := NewThread(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(th.Close)
	return th
}

// dirFD opens a directory as a program's descriptor.
func dirFD(t *testing.T, path string) int {
	t.Helper()
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	fd, err := AdoptFD(int(h))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = CloseFD(fd) })
	return fd
}

func z(s string) []byte { return append([]byte(s), 0) }

// iov is memory of the test's own. The test keeps b alive.
func iov(b []byte) []Iovec {
	return []Iovec{{uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), uint64(len(b))}}
}

func TestFileOfADirectory(t *testing.T) {
	th := hostThread(t)
	dir := dirFD(t, testdir.New(t))
	fd, e := th.Open(dir, z("file"), OpenRead|OpenWrite|OpenCreate)
	if e != 0 {
		t.Fatal(e)
	}
	defer CloseFD(fd)
	text := []byte("hello, file")
	if n, e := th.Write(fd, iov(text)); n != len(text) || e != 0 {
		t.Fatalf("written %d, %v", n, e)
	}
	if n, err := Seek(fd, 7, SeekSet); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, 100)
	if n, e := th.Read(fd, iov(got)); e != 0 || string(got[:n]) != "file" {
		t.Errorf("read %q, %v", got[:n], e)
	}
	if n, e := th.Read(fd, iov(got)); e != 0 || n != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
	if n, e := th.ReadAt(fd, iov(got[:5]), 0); e != 0 || string(got[:n]) != "hello" {
		t.Errorf("read at 0: %q, %v", got[:n], e)
	}
	if n, e := th.WriteAt(fd, iov([]byte("H")), 0); n != 1 || e != 0 {
		t.Error(n, e)
	}
	if err := SetStatus(fd, FlagAppend); err != nil {
		t.Error(err)
	}
	if n, e := th.Write(fd, iov([]byte("!"))); n != 1 || e != 0 {
		t.Error(n, e)
	}
	if n, err := Seek(fd, 0, SeekCur); n != int64(len(text))+1 || err != nil {
		t.Errorf("offset %d, %v after appending", n, err)
	}
	info, e := th.StatPath(dir, z("file"), false)
	if e != 0 || info.Kind != KindRegular || info.Size != int64(len(text))+1 || info.Nlink != 1 || info.Ino == 0 {
		t.Errorf("%+v, %v", info, e)
	}
	if age := time.Since(time.Unix(0, int64(info.Mtime))); age < -time.Minute || age > time.Hour {
		t.Errorf("written %v ago", age)
	}
	if own, err := StatFD(fd); err != nil || own.Ino != info.Ino || own.Dev != info.Dev {
		t.Errorf("%+v, %v; by path %+v", own, err, info)
	}
	if err := Truncate(fd, 3); err != nil {
		t.Error(err)
	}
	const when = 1_000_000_000_000_000_000
	if e := th.SetTimesFD(fd, FileTime{Kind: TimeAt, At: when}, FileTime{Kind: TimeAt, At: when + 100}); e != 0 {
		t.Error(e)
	}
	if info, err := StatFD(fd); err != nil || info.Atime != when || info.Mtime != when+100 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestAllocate(t *testing.T) {
	wine(t, "FileAllocationInformation")
	th := hostThread(t)
	fd, e := th.Open(dirFD(t, testdir.New(t)), z("file"), OpenWrite|OpenCreate)
	if e != 0 {
		t.Fatal(e)
	}
	defer CloseFD(fd)
	if e := th.Allocate(fd, 0, 5000); e != 0 {
		t.Error(e)
	}
	if info, err := StatFD(fd); err != nil || info.Size != 5000 {
		t.Errorf("%+v, %v", info, err)
	}
}

// A file that is open can be replaced.
func TestRenameOverOpenFile(t *testing.T) {
	wine(t, "renaming over an open file")
	th := hostThread(t)
	dir := dirFD(t, testdir.New(t))
	var places [2]Place
	for i, name := range []string{"one", "two"} {
		fd, e := th.Open(dir, z(name), OpenWrite|OpenCreate)
		if e != 0 {
			t.Fatal(e)
		}
		defer CloseFD(fd)
		if places[i], e = th.Lookup(dir, z(name), false); e != 0 {
			t.Fatal(e)
		}
	}
	if e := th.Rename(&places[0], &places[1]); e != 0 {
		t.Error(e)
	}
}

// Names that Windows would take for something else than a file in the directory, and
// paths that lead out of it.
func TestPathsStayInside(t *testing.T) {
	th := hostThread(t)
	top := testdir.New(t)
	if err := os.MkdirAll(filepath.Join(top, "in", "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "secret"), []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "in", "file"), []byte("file"), 0o666); err != nil {
		t.Fatal(err)
	}
	dir := dirFD(t, filepath.Join(top, "in"))
	for _, tt := range []struct {
		path string
		want syscall.Errno
	}{
		{"file", 0}, {"./file", 0}, {"sub/../file", 0}, {"sub/./../file", 0}, {"sub//", 0}, {".", 0}, {"sub/..", 0},
		{"", syscall.ENOENT}, {"none", syscall.ENOENT}, {"none/file", syscall.ENOENT}, {"file/x", syscall.ENOTDIR},
		{"file/", syscall.ENOTDIR},
		{"../secret", Escape}, {"sub/../../secret", Escape}, {"/secret", Escape}, {"..", Escape}, {"//server/share", Escape},
		{`..\secret`, syscall.EINVAL}, {`sub\..\..\secret`, syscall.EINVAL}, {`C:\`, syscall.EINVAL}, {"C:", syscall.EINVAL},
		{`\\?\C:\`, syscall.EINVAL}, {`\??\C:\`, syscall.EINVAL}, {"file:stream", syscall.EINVAL}, {"file::$DATA", syscall.EINVAL},
		{"*", syscall.EINVAL}, {"fil?", syscall.EINVAL}, {"a\x01", syscall.EINVAL}, {"\xff", syscall.EILSEQ},
	} {
		if _, e := th.StatPath(dir, z(tt.path), true); e != tt.want {
			t.Errorf("stat %q: %v, want %v", tt.path, e, tt.want)
		}
		fd, e := th.Open(dir, z(tt.path), OpenRead|OpenFollow)
		if e != tt.want {
			t.Errorf("open %q: %v, want %v", tt.path, e, tt.want)
		}
		if e == 0 {
			_ = CloseFD(fd)
		}
	}
	// Devices have no names here: what is called so is a file.
	for _, name := range []string{"CON", "NUL", "COM1", "aux"} {
		if _, e := th.StatPath(dir, z(name), true); e != syscall.ENOENT {
			t.Errorf("%s: %v, want ENOENT", name, e)
		}
	}
}

func TestNamesOfADirectory(t *testing.T) {
	th := hostThread(t)
	dir := dirFD(t, testdir.New(t))
	place := func(name string) *Place {
		p, e := th.Lookup(dir, z(name), false)
		if e != 0 {
			t.Fatalf("%s: %v", name, e)
		}
		t.Cleanup(p.Close)
		return &p
	}
	create := func(name string) int {
		fd, e := th.Open(dir, z(name), OpenWrite|OpenCreate|OpenExclusive)
		if e != 0 {
			t.Fatalf("%s: %v", name, e)
		}
		return fd
	}
	want := func(what string, got, want syscall.Errno) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("mkdir", th.Mkdir(place("dir")), 0)
	want("mkdir again", th.Mkdir(place("dir")), syscall.EEXIST)
	_ = CloseFD(create("dir/file"))
	if _, e := th.Open(dir, z("dir/file"), OpenWrite|OpenCreate|OpenExclusive); e != syscall.EEXIST {
		t.Errorf("exclusive: %v", e)
	}
	want("rmdir of a full one", th.Unlink(place("dir"), true), syscall.ENOTEMPTY)
	want("unlink of a directory", th.Unlink(place("dir"), false), syscall.EPERM)
	want("rmdir of a file", th.Unlink(place("dir/file"), true), syscall.ENOTDIR)
	want("link", th.Link(place("dir/file"), place("other")), 0)
	if info, e := th.StatPath(dir, z("other"), true); e != 0 || info.Nlink != 2 {
		t.Errorf("%+v, %v", info, e)
	}
	want("rename", th.Rename(place("dir/file"), place("other2")), 0)
	want("rename over", th.Rename(place("other2"), place("third")), 0)
	_ = CloseFD(create("fourth"))
	want("rename over a file", th.Rename(place("fourth"), place("third")), 0)
	want("mkdir", th.Mkdir(place("empty")), 0)
	want("file over directory", th.Rename(place("third"), place("empty")), syscall.EISDIR)
	want("directory over file", th.Rename(place("empty"), place("third")), syscall.ENOTDIR)
	want("directory over an empty one", th.Rename(place("dir"), place("empty")), 0)
	// A file that is open can be removed.
	fd := create("open")
	want("unlink", th.Unlink(place("other"), false), 0)
	want("unlink of an open file", th.Unlink(place("open"), false), 0)
	if n, e := th.Write(fd, iov([]byte("still here"))); n != 10 || e != 0 {
		t.Errorf("writing to it: %d, %v", n, e)
	}
	_ = CloseFD(fd)
	want("gone", th.Unlink(place("open"), false), syscall.ENOENT)
	want("rmdir", th.Unlink(place("empty"), true), 0)
}

func TestDirectoryEntries(t *testing.T) {
	th := hostThread(t)
	path := testdir.New(t)
	want := []string{".", ".."}
	for i := range 500 {
		name := string(rune('a'+i%26)) + string(bytes.Repeat([]byte{'x'}, i/26)) + "ä€😀"
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	d, e := th.OpenStream(dirFD(t, path))
	if e != 0 {
		t.Fatal(e)
	}
	defer d.Close()
	var got []string
	var middle DirEntry
	for {
		en, ok, e := d.Peek(th)
		if e != 0 || !ok {
			if e != 0 {
				t.Error(e)
			}
			break
		}
		got = append(got, string(en.Name))
		if len(got) == 250 {
			middle = en
		}
		d.Skip(en)
	}
	after := got[250]
	if e := d.Seek(middle.Next); e != 0 {
		t.Error(e)
	}
	if en, ok, e := d.Peek(th); !ok || e != 0 || string(en.Name) != after {
		t.Errorf("behind %q: %q, %v, %v; want %q", middle.Name, en.Name, ok, e, after)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
}
