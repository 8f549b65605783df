package memory

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func TestMapArguments(t *testing.T) {
	s := newSpace(t)
	defer func() { noErr(t, s.Close()) }() // Wine removes no file that is mapped
	at := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw})
	sealed := s.mustMap(t, Request{Len: pageSize, Prot: rw})
	noErr(t, s.Seal(sealed, pageSize, abi.ProtRead, "the vDSO"))
	obj := newObject(t, 2*pageSize)
	readOnly := file(t, make([]byte, 2*pageSize), os.O_RDONLY)
	writeOnly := file(t, make([]byte, 2*pageSize), os.O_WRONLY)
	pr, pw, err := os.Pipe()
	noErr(t, err)
	defer pr.Close()
	defer pw.Close()
	pipe := objectOf(t, pr)
	const huge = math.MaxUint64
	tests := []struct {
		name string
		req  Request
		want abi.Errno
	}{
		{"zero length", Request{Prot: rw}, abi.EINVAL},
		{"zero length, fixed", Request{Addr: at, Prot: rw, Fixed: true}, abi.EINVAL},
		{"writable and executable", Request{Len: 1, Prot: abi.ProtWrite | abi.ProtExec}, abi.ENOTSUP},
		{"all three", Request{Len: 1, Prot: rw | abi.ProtExec}, abi.ENOTSUP},
		{"unknown protection", Request{Len: 1, Prot: 8}, abi.ENOTSUP},
		{"larger than the arena", Request{Len: host.ArenaHi + 1, Prot: abi.ProtRead}, abi.ENOMEM},
		{"as large as the arena", Request{Len: host.ArenaHi, Prot: abi.ProtRead}, abi.ENOMEM},
		{"length near 2^64", Request{Len: huge, Prot: abi.ProtRead}, abi.ENOMEM},
		{"fixed, misaligned", Request{Addr: at + 1, Len: 1, Prot: abi.ProtRead, Fixed: true}, abi.EINVAL},
		{"fixed at 0", Request{Addr: 0, Len: 1, Prot: abi.ProtRead, Fixed: true}, abi.EINVAL},
		{"fixed, last page and beyond",
			Request{Addr: host.ArenaHi - pageSize, Len: pageSize + 1, Prot: abi.ProtRead, Fixed: true}, abi.ENOMEM},
		{"fixed beyond the arena", Request{Addr: host.ArenaHi, Len: 1, Prot: abi.ProtRead, Fixed: true}, abi.ENOMEM},
		{"fixed, address near 2^64",
			Request{Addr: huge &^ pageMask, Len: 2 * pageSize, Prot: abi.ProtRead, Fixed: true}, abi.ENOMEM},
		{"fixed, length near 2^64", Request{Addr: at, Len: huge, Prot: abi.ProtRead, Fixed: true}, abi.ENOMEM},
		{"fixed over sealed pages", Request{Addr: sealed, Len: 1, Prot: abi.ProtRead, Fixed: true}, abi.EINVAL},
		{"fixed over the host program", Request{Addr: hole(s), Len: 1, Prot: abi.ProtRead, Fixed: true}, abi.EINVAL},
		{"negative offset", Request{Len: 1, Prot: abi.ProtRead, Object: obj, Off: -pageSize}, abi.EINVAL},
		{"misaligned offset", Request{Len: 1, Prot: abi.ProtRead, Object: obj, Off: 1}, abi.EINVAL},
		{"offset near 2^63",
			Request{Len: 2 * pageSize, Prot: abi.ProtRead, Object: obj, Off: math.MaxInt64 &^ pageMask}, abi.EOVERFLOW},
		{"shared, read-only descriptor", Request{Len: 1, Prot: rw, Shared: true, Object: readOnly}, abi.EACCES},
		{"write-only descriptor", Request{Len: 1, Prot: abi.ProtRead, Object: writeOnly}, abi.EACCES},
		{"a pipe", Request{Len: 1, Prot: abi.ProtRead, Object: pipe}, abi.ENODEV},
		{"no descriptor", Request{Len: 1, Prot: abi.ProtRead, Object: &Object{FD: 9999}}, abi.EBADF},
		{"private, read-only descriptor", Request{Len: 1, Prot: rw, Object: readOnly}, 0},
		{"shared readable, read-only descriptor", Request{Len: 1, Prot: abi.ProtRead, Shared: true, Object: readOnly}, 0},
		{"beyond the object's end", Request{Len: 1, Prot: abi.ProtRead, Object: obj, Off: 64 * pageSize}, 0},
		{"fixed over own pages", Request{Addr: at, Len: 1, Prot: abi.ProtRead, Fixed: true}, 0},
		{"no access", Request{Len: 1}, 0},
		{"execute only", Request{Len: 1, Prot: abi.ProtExec}, 0},
	}
	for _, tt := range tests {
		before := s.Mapped()
		addr, err := s.Map(tt.req)
		isErr(t, tt.name, err, tt.want)
		if err != nil && (addr != 0 || s.Mapped() != before) {
			t.Errorf("%s: returned %#x and mapped %d bytes though it failed", tt.name, addr, s.Mapped()-before)
		}
	}
}

func TestChangeArguments(t *testing.T) {
	s := newSpace(t)
	sealed := s.mustMap(t, Request{Len: pageSize, Prot: rw})
	noErr(t, s.Seal(sealed, 1, abi.ProtRead, ""))
	at := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw})
	noErr(t, s.Unmap(at+2*pageSize, pageSize)) // pages: mapped, mapped, hole, mapped
	const n, huge = pageSize, math.MaxUint64
	ranges := []struct {
		name                          string
		addr, n                       uint64
		unmap, protect, advise, synch abi.Errno
	}{
		{"one page", at, n, 0, 0, 0, 0},
		{"one byte", at + n, 1, 0, 0, 0, 0},
		{"a hole", at + 2*n, n, 0, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"from pages into a hole", at + n, n + 1, 0, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"misaligned", at + 8, n, abi.EINVAL, abi.EINVAL, abi.EINVAL, abi.EINVAL},
		{"misaligned and empty", at + 8, 0, abi.EINVAL, abi.EINVAL, abi.EINVAL, abi.EINVAL},
		{"empty", at, 0, abi.EINVAL, 0, 0, 0},
		{"empty, anywhere", huge &^ pageMask, 0, abi.EINVAL, 0, 0, 0},
		{"the end and beyond", host.ArenaHi - n, n + 1, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"beyond the arena", host.ArenaHi, n, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"wraps", huge &^ pageMask, 2 * n, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"length near 2^64", at, huge, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"null page", 0, n, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"the host program", hole(s), n, abi.EINVAL, abi.ENOMEM, abi.ENOMEM, abi.ENOMEM},
		{"sealed", sealed, n, abi.EINVAL, abi.EINVAL, 0, 0},
	}
	for _, tt := range ranges {
		isErr(t, "Advise "+tt.name, s.Advise(tt.addr, tt.n, abi.AdviceNormal), tt.advise)
		isErr(t, "Sync "+tt.name, s.Sync(tt.addr, tt.n, abi.MsSync), tt.synch)
		isErr(t, "Protect "+tt.name, s.Protect(tt.addr, tt.n, abi.ProtRead), tt.protect)
	}
	for _, tt := range ranges { // last: it takes the pages away
		isErr(t, "Unmap "+tt.name, s.Unmap(tt.addr, tt.n), tt.unmap)
	}
	if got := s.Mapped(); got != 2*pageSize { // the page behind the hole and the sealed one
		t.Errorf("%d bytes are left mapped, want %d", got, 2*pageSize)
	}
}

func TestFlagArguments(t *testing.T) {
	s := newSpace(t)
	at := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw})
	for prot, want := range map[abi.Mprot]abi.Errno{
		0: 0, abi.ProtRead: 0, abi.ProtWrite: 0, abi.ProtExec: 0, rw: 0, rx: 0,
		abi.ProtWrite | abi.ProtExec: abi.ENOTSUP, rw | abi.ProtExec: abi.ENOTSUP, 8: abi.ENOTSUP, 0x80: abi.ENOTSUP,
	} {
		isErr(t, "Protect "+prot.String(), s.Protect(at, pageSize, prot), want)
		isErr(t, "empty Protect "+prot.String(), s.Protect(at, 0, prot), want)
	}
	for a := abi.Advice(0); a < 10; a++ {
		want := abi.Errno(0)
		if a == 0 || a == abi.AdviceNoreuse || a > abi.AdviceWillneed {
			want = abi.EINVAL
		}
		isErr(t, "Advise "+a.String(), s.Advise(at, 2*pageSize, a), want)
	}
	for f := abi.Msflags(0); f < 16; f++ {
		want := abi.EINVAL
		switch f {
		case abi.MsSync, abi.MsAsync, abi.MsSync | abi.MsInvalidate, abi.MsAsync | abi.MsInvalidate:
			want = 0
		}
		isErr(t, "Sync "+f.String(), s.Sync(at, 2*pageSize, f), want)
	}
}

// Advice of any kind keeps what is in memory.
func TestAdviceKeepsContents(t *testing.T) {
	s := newSpace(t)
	at := s.mustMap(t, Request{Len: 2 * pageSize, Prot: rw})
	noErr(t, s.Store32(at+pageSize, 0x1234))
	for a := range advices {
		noErr(t, s.Advise(at, 2*pageSize, a))
		if got, err := s.Load32(at + pageSize); got != 0x1234 || err != nil {
			t.Errorf("after %v the word is %#x", a, got)
		}
	}
}

// A change of protection that fails for a later page changes no page.
func TestProtectIsAllOrNothing(t *testing.T) {
	s := newSpace(t)
	defer func() { noErr(t, s.Close()) }() // Wine removes no file that is mapped
	const unit = host.MapUnit
	at := s.mustMap(t, Request{Len: 4 * unit, Prot: abi.ProtRead, Align: unit})
	noErr(t, s.Protect(at+unit, unit, 0))
	obj := file(t, make([]byte, unit), os.O_RDONLY)
	s.mustMap(t, Request{Addr: at + 2*unit, Len: unit, Prot: abi.ProtRead, Fixed: true, Shared: true, Object: obj})
	isErr(t, "Protect", s.Protect(at, 4*unit, rw), abi.EACCES)
	for i, want := range []abi.Mprot{abi.ProtRead, 0, abi.ProtRead, abi.ProtRead} {
		a := at + uint64(i)*unit
		if got := abi.Mprot(s.page[a/pageSize].Load() & protBits); got != want {
			t.Errorf("page %d has protection %v, want %v", i, got, want)
		}
		if _, err := host.Load32(a); (err == nil) != (want != 0) {
			t.Errorf("page %d, protection %v: reading says %v", i, want, err)
		}
		if err := host.Store32(a, 1); err == nil {
			t.Errorf("page %d, protection %v, can be written", i, want)
		}
	}
}

func isErr(t *testing.T, what string, got error, want abi.Errno) {
	t.Helper()
	if want == 0 && got != nil || want != 0 && got != error(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file makes a file with the given contents and opens it.
func file(t testing.TB, contents []byte, flag int) *Object {
	return objectOf(t, openFile(t, contents, flag))
}

func openFile(t testing.TB, contents []byte, flag int) *os.File {
	t.Helper()
	name := filepath.Join(testdir.New(t), "file")
	noErr(t, os.WriteFile(name, contents, 0o600))
	f, err := os.OpenFile(name, flag, 0)
	noErr(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func objectOf(t testing.TB, f *os.File) *Object {
	t.Helper()
	fd, err := host.AdoptFD(int(f.Fd()))
	noErr(t, err)
	t.Cleanup(func() { noErr(t, host.CloseFD(fd)) })
	info, err := host.StatFD(fd)
	noErr(t, err)
	return &Object{FD: fd, ID: ObjectID{info.Dev, info.Ino}}
}

// hole returns a page below ArenaHi that belongs to the host: inside the arena if
// the test program lies there, else below it.
func hole(s *AddressSpace) uint64 {
	for p := uint64(host.ArenaLo / pageSize); p < pages; p++ {
		if s.page[p].Load()&foreign != 0 {
			return p * pageSize
		}
	}
	return host.ArenaLo - pageSize
}
