package host_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"cabitrans/internal/testdir"
	. "cabitrans/runtime/host"
)

const unit = MapUnit

// viewSpace returns the address space and n free units in it.
func viewSpace(t *testing.T, n uint64) (*Space, uint64) {
	t.Helper()
	s, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	last := s.Arena()[len(s.Arena())-1]
	at := last.Hi - n*unit
	t.Cleanup(func() { check(t, s.Unmap(at, n*unit), 0) })
	return s, at
}

func check(t *testing.T, err error, want syscall.Errno) {
	t.Helper()
	if want == 0 && err != nil || want != 0 && errno(err) != want {
		t.Errorf("%v, want %v", err, want)
	}
}

func errno(err error) (e syscall.Errno) {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok && len(j.Unwrap()) > 0 {
		return errno(j.Unwrap()[0])
	}
	return 0
}

// object makes a memory object of n bytes.
func object(t *testing.T, n int64) int {
	t.Helper()
	fd, err := NewSharedObject("test")
	check(t, err, 0)
	t.Cleanup(func() { check(t, CloseFD(fd), 0) })
	check(t, Truncate(fd, n), 0)
	return fd
}

// TestViewPlaces says what can lie in one unit with pages of a shared mapping.
func TestViewPlaces(t *testing.T) {
	s, at := viewSpace(t, 4)
	fd, other := object(t, 3*unit), object(t, 3*unit)
	const rw = ProtRead | ProtWrite
	share := func(addr, n uint64, fd int, off int64) error { return s.MapObject(addr, n, rw, true, fd, off) }
	for _, c := range []struct {
		what string
		do   func() error
		want syscall.Errno
	}{
		{"pages in the middle of units", func() error { return share(at+3*PageSize, unit, fd, 3*PageSize) }, 0},
		{"offset and address disagree", func() error { return share(at+PageSize, PageSize, fd, 0) }, syscall.ENOTSUP},
		{"another page of the same", func() error { return share(at, PageSize, fd, 0) }, 0},
		{"the same page again", func() error { return share(at, PageSize, fd, 0) }, 0},
		{"a page of another object", func() error { return share(at+PageSize, PageSize, other, PageSize) }, syscall.ENOTSUP},
		{"other pages of the same object", func() error { return share(at, PageSize, fd, unit) }, syscall.ENOTSUP},
		{"private memory between them", func() error { return s.MapAnon(at+PageSize, PageSize, rw) }, syscall.ENOTSUP},
		{"private memory over one of them", func() error { return s.MapAnon(at, PageSize, rw) }, syscall.ENOTSUP},
		{"a private copy over one of them", func() error {
			return s.MapObject(at, PageSize, rw, false, fd, 0)
		}, syscall.ENOTSUP},
		{"private memory elsewhere", func() error { return s.MapAnon(at+3*unit, PageSize, rw) }, 0},
		{"a shared page beside private memory", func() error {
			return share(at+3*unit+PageSize, PageSize, fd, PageSize)
		}, syscall.ENOTSUP},
		{"a shared page over private memory", func() error { return share(at+3*unit, PageSize, fd, 0) }, 0},
		{"private memory over all of them", func() error { return s.MapAnon(at, 2*unit, rw) }, 0},
		{"the other object over that", func() error { return share(at, 2*unit, other, unit) }, 0},
	} {
		if err := c.do(); c.want == 0 && err != nil || c.want != 0 && errno(err) != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// TestViewPages takes pages of a view away, one after the other, from what others use.
func TestViewPages(t *testing.T) {
	s, at := viewSpace(t, 4)
	fd := object(t, unit)
	const rw = ProtRead | ProtWrite
	check(t, s.MapObject(at, unit, rw, true, fd, 0), 0)
	check(t, s.MapObject(at+unit, unit, ProtRead, true, fd, 0), 0)
	for p := uint64(0); p < unit; p += PageSize {
		check(t, Store32(at+p, uint32(p)+1), 0)
		if v, err := Load32(at + unit + p); v != uint32(p)+1 || err != nil {
			t.Errorf("page %#x: the other view has %#x, %v", p, v, err)
		}
		if Store32(at+unit+p, 1) == nil {
			t.Errorf("page %#x can be written", p)
		}
		check(t, s.Protect(at+unit+p, PageSize, rw), 0)
		check(t, Store32(at+unit+p, 7), 0)
		check(t, s.Unmap(at+p, PageSize), 0)
		if _, err := Load32(at + p); err == nil {
			t.Errorf("page %#x can be read after it was unmapped", p)
		}
		if v, err := Load32(at + unit + p); v != 7 || err != nil {
			t.Errorf("page %#x: the other view has %#x, %v", p, v, err)
		}
	}
	check(t, s.MapAnon(at, PageSize, rw), 0)
	if v, err := Load32(at); v != 0 || err != nil {
		t.Errorf("new memory has %#x, %v", v, err)
	}
}

// TestViewOfFile maps a file whose end is in a page, and pages behind that.
func TestViewOfFile(t *testing.T) {
	s, at := viewSpace(t, 4)
	name := filepath.Join(testdir.New(t), "file")
	check(t, os.WriteFile(name, make([]byte, unit+PageSize+5), 0o666), 0)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	check(t, err, 0)
	defer f.Close()
	fd, err := AdoptFD(int(f.Fd()))
	check(t, err, 0)
	defer CloseFD(fd)
	const rw = ProtRead | ProtWrite
	check(t, s.MapObject(at, 3*unit, rw, true, fd, 0), 0)
	check(t, Store32(at+unit+PageSize, 0x64636261), 0)
	for _, p := range []uint64{unit + 2*PageSize, 2 * unit} {
		check(t, s.Protect(at+p, PageSize, rw), 0)
		if _, err := Load32(at + p); err == nil {
			t.Errorf("page %#x lies behind the end of the file, and can be read", p)
		}
	}
	check(t, s.Sync(at, 3*unit, true, false), 0)
	b := make([]byte, 5)
	if _, err := f.ReadAt(b, unit+PageSize); err != nil || string(b) != "abcd\x00" {
		t.Errorf("the file has %q, %v", b, err)
	}
	check(t, Truncate(fd, PageSize), syscall.EBUSY)
	check(t, Truncate(fd, 3*unit), 0)
	check(t, s.Unmap(at, 3*unit), 0)
	check(t, Truncate(fd, 0), 0)
	check(t, s.MapObject(at, unit, rw, true, fd, 0), 0)
	if _, err := Load32(at); err == nil {
		t.Error("a page of an empty file can be read")
	}
	check(t, s.Unmap(at, unit), 0)
}
