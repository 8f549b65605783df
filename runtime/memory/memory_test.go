package memory

import (
	"math"
	"sync"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	_ "cabitrans/runtime/host/hosttest" // claims guest memory
)

const (
	rw = abi.ProtRead | abi.ProtWrite
	rx = abi.ProtRead | abi.ProtExec
)

var reserved = sync.OnceValues(host.Reserve)

func newSpace(t testing.TB) *AddressSpace {
	t.Helper()
	sp, err := reserved()
	if err != nil {
		t.Skipf("no address space here: %v", err)
	}
	s, err := New(sp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *AddressSpace) mustMap(t testing.TB, r Request) uint64 {
	t.Helper()
	addr, err := s.Map(r)
	if err != nil {
		t.Fatalf("map %+v: %v", r, err)
	}
	return addr
}

// newObject makes a shared-memory object of n bytes.
func newObject(t testing.TB, n int64) *Object {
	t.Helper()
	fd, err := host.NewSharedObject("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noErr(t, host.CloseFD(fd)) })
	noErr(t, host.Truncate(fd, n))
	info, err := host.StatFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	return &Object{FD: fd, ID: ObjectID{info.Dev, info.Ino}}
}

func TestMapErrors(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, 2*pageSize)
	seal := s.mustMap(t, Request{Len: pageSize, Prot: abi.ProtRead})
	if err := s.Seal(seal, pageSize, abi.ProtRead, "sealed"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    Request
		want abi.Errno
	}{
		{"nothing", Request{}, abi.EINVAL},
		{"writable and executable", Request{Len: 1, Prot: rw | abi.ProtExec}, abi.ENOTSUP},
		{"unknown protection", Request{Len: 1, Prot: 0x80}, abi.ENOTSUP},
		{"too long", Request{Len: host.ArenaHi}, abi.ENOMEM},
		{"overflowing length", Request{Len: math.MaxUint64}, abi.ENOMEM},
		{"misplaced", Request{Addr: host.ArenaLo + 1, Len: 1, Fixed: true}, abi.EINVAL},
		{"beyond the arena", Request{Addr: host.ArenaHi, Len: pageSize, Fixed: true}, abi.ENOMEM},
		{"across its end", Request{Addr: host.ArenaHi - pageSize, Len: 2 * pageSize, Fixed: true}, abi.ENOMEM},
		{"overflowing range", Request{Addr: host.ArenaHi - pageSize, Len: math.MaxUint64, Fixed: true}, abi.ENOMEM},
		{"the null page", Request{Addr: 0, Len: pageSize, Fixed: true}, abi.EINVAL},
		{"the guard page", Request{Addr: host.GuardAddr, Len: pageSize, Fixed: true}, abi.EINVAL},
		{"over a sealed page", Request{Addr: seal, Len: pageSize, Fixed: true}, abi.EINVAL},
		{"misplaced in the object", Request{Len: pageSize, Object: obj, Off: 1}, abi.EINVAL},
		{"before the object", Request{Len: pageSize, Object: obj, Off: -pageSize}, abi.EINVAL},
	} {
		if _, err := s.Map(c.r); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestRanges(t *testing.T) {
	s := newSpace(t)
	p := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw})
	seal := s.mustMap(t, Request{Len: pageSize, Prot: abi.ProtRead})
	if err := s.Seal(seal, pageSize, abi.ProtRead, "sealed"); err != nil {
		t.Fatal(err)
	}
	gap := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw})
	if err := s.Unmap(gap+pageSize, pageSize); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  error
		want error
	}{
		{"unmap nothing", s.Unmap(p, 0), abi.EINVAL},
		{"unmap misplaced", s.Unmap(p+1, 1), abi.EINVAL},
		{"unmap beyond", s.Unmap(host.ArenaHi, 1), abi.EINVAL},
		{"unmap overflowing", s.Unmap(p, math.MaxUint64), abi.EINVAL},
		{"unmap sealed", s.Unmap(seal, 1), abi.EINVAL},
		{"unmap what is not mapped", s.Unmap(gap+pageSize, 1), nil},
		{"protect nothing", s.Protect(p, 0, 0), nil},
		{"protect misplaced", s.Protect(p+8, 8, 0), abi.EINVAL},
		{"protect write and exec", s.Protect(p, 8, rw|abi.ProtExec), abi.ENOTSUP},
		{"protect a gap", s.Protect(gap, 2*pageSize, 0), abi.ENOMEM},
		{"protect sealed", s.Protect(seal, 1, rw), abi.EINVAL},
		{"protect beyond", s.Protect(host.ArenaHi, 1, 0), abi.ENOMEM},
		{"advise", s.Advise(p, 4*pageSize, abi.AdviceDontneed), nil},
		{"advise badly", s.Advise(p, 4*pageSize, abi.AdviceNoreuse), abi.EINVAL},
		{"advise a gap", s.Advise(gap, 2*pageSize, abi.AdviceNormal), abi.ENOMEM},
		{"sync", s.Sync(p, 1, abi.MsSync), nil},
		{"sync neither way", s.Sync(p, 1, abi.MsInvalidate), abi.EINVAL},
		{"sync both ways", s.Sync(p, 1, abi.MsSync|abi.MsAsync), abi.EINVAL},
		{"sync a gap", s.Sync(gap, 2*pageSize, abi.MsAsync), abi.ENOMEM},
		{"check", s.Check(p, 4*pageSize, true), nil},
		{"check nothing", s.Check(0, 0, true), nil},
		{"check behind", s.Check(gap, pageSize+1, false), abi.EFAULT},
		{"check read-only", s.Check(seal, 1, true), abi.EFAULT},
		{"check overflowing", s.Check(p, math.MaxUint64, false), abi.EFAULT},
		{"check beyond", s.Check(host.ArenaHi, 1, false), abi.EFAULT},
		{"copy to a gap", s.CopyOut(gap+pageSize-2, []byte("1234")), abi.EFAULT},
		{"copy from outside", s.CopyIn(make([]byte, 8), host.CacheLo), abi.EFAULT},
		{"copy from the kernel's half", s.CopyIn(make([]byte, 8), 1<<63), abi.EFAULT},
		{"misaligned word", s.Store32(p+2, 1), abi.EINVAL},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	s := newSpace(t)
	p := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw, Name: "the heap"})
	x := s.mustMap(t, Request{Len: pageSize, Prot: rx})
	o := s.mustMap(t, Request{Len: pageSize, Prot: abi.ProtRead, Object: newObject(t, pageSize)})
	if err := s.Unmap(p, pageSize); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]string{
		0x10:             "the null page, where nothing is ever mapped",
		host.ArenaHi:     "outside guest memory",
		host.GuardAddr:   "outside guest memory",
		1 << 63:          "outside guest memory",
		p:                "unmapped memory",
		p + pageSize:     "the heap, protection rw-",
		x + 5:            "memory, protection r-x",
		o + pageSize - 1: "a mapped object, protection r--",
		o - pageSize:     "unmapped memory",
	} {
		if got := s.Describe(addr); got != want {
			t.Errorf("%#x is %q, want %q", addr, got, want)
		}
	}
}

// TestFile maps an object past its end.
func TestFile(t *testing.T) {
	s := newSpace(t)
	obj := newObject(t, pageSize)
	a := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw, Object: obj, Shared: true})
	if err := s.Store32(a, 77); err != nil {
		t.Fatal(err)
	}
	b := s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: obj})
	if v, err := s.Load32(b); v != 77 || err != nil {
		t.Errorf("the other view has %d, %v", v, err)
	}
	if err := s.Store32(b, 78); err != nil { // private: a copy
		t.Fatal(err)
	}
	if v, _ := s.Load32(a); v != 77 {
		t.Errorf("a private write changed the object to %d", v)
	}
	if err := s.Store32(a+pageSize, 1); err != abi.EFAULT {
		t.Errorf("write past the end of the object: %v, want EFAULT", err)
	}
}
