package kernel

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// views maps one page of a new object twice, writable and executable.
func (f *fixture) views() (view, code uint64) {
	f.Helper()
	fd, err := host.NewSharedObject("test")
	if errors.Is(err, errors.ErrUnsupported) {
		f.Skipf("the host has no two views of one object: %v", err)
	}
	if err != nil {
		f.Fatal(err)
	}
	defer host.CloseFD(fd)
	if err := host.Truncate(fd, abi.PageSize); err != nil {
		f.Fatal(err)
	}
	info, err := host.StatFD(fd)
	if err != nil {
		f.Fatal(err)
	}
	o := &memory.Object{FD: fd, ID: objectID(info)}
	var at [2]uint64
	for i, prot := range []abi.Mprot{abi.ProtRead | abi.ProtWrite, abi.ProtRead | abi.ProtExec} {
		if at[i], err = f.mem.Map(memory.Request{Len: abi.PageSize, Prot: prot, Shared: true, Object: o}); err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() {
			if err := f.mem.Unmap(at[i], abi.PageSize); err != nil {
				f.Error(err)
			}
		})
	}
	return at[0], at[1]
}

// translate does what the engine does before it reads a page of code.
func (f *fixture) translate(code uint64) {
	f.mem.RLock()
	f.mem.MarkTranslated(code, code+abi.PageSize)
	f.mem.RUnlock()
}

// The host refuses to store into a page whose code is translated, through any
// view; the guest must not notice.
func TestReadIntoTranslatedCode(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openFile(t, 0)})
	view, code := f.views()
	f.run(func(th *Thread) {
		n, data := f.alloc(8), f.alloc(8)
		both := f.iov(abi.Iovec{Buf: data, Len: 1}, abi.Iovec{Buf: view, Len: 4})
		tests := []struct {
			name string
			call func()
			want string // first bytes of the view
		}{
			{"fd_pread", func() { f.expect(th, 0, abi.CallFDPread, 0, both, 2, 2, n) }, "3456"},
			{"fd_read", func() { f.expect(th, 0, abi.CallFDRead, 0, both, 2, n) }, "1234"},
			{"random_get", func() { f.expect(th, 0, abi.CallRandomGet, view+8, 8) }, "1234"},
			{"a result", func() { f.expect(th, 0, abi.CallClockTimeGet, 1, 0, view+16) }, "1234"},
			{"a structure", func() { f.expect(th, 0, abi.CallFDStatGet, 0, view+24) }, "1234"},
			{"a lock", func() { newGuestLib(f, th).lock(view+64, true, -1) }, "1234"},
		}
		for _, tt := range tests {
			f.translate(code)
			before := f.mem.WriteUnlocks()
			if tt.name == "a lock" { // the guest's own store comes first, and faults
				if host.Store32(view+64, 0) == nil || !f.mem.WriteFault(view+64) {
					t.Error("the view is writable though its code is translated")
				}
			}
			tt.call()
			if got := string(f.get(code, 4)); got != tt.want {
				t.Errorf("%s: code is %q, want %q", tt.name, got, tt.want)
			}
			if got := f.mem.WriteUnlocks(); got != before+1 {
				t.Errorf("%s: write access was given back %d times, want once", tt.name, got-before)
			}
		}
	})
}

// A page may be translated while a read into it sleeps.
func TestTranslatedDuringRead(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	view, code := f.views()
	n, other := f.alloc(8), f.alloc(8)
	one := abi.Iovec{Buf: view, Len: 8}
	for count, iov := range map[uint64]uint64{1: f.iov(one), 2: f.iov(abi.Iovec{Buf: other, Len: 1}, one)} {
		done := f.spawn(func(th *Thread) { f.expect(th, 0, abi.CallFDRead, 0, iov, count, n) })
		time.Sleep(20 * time.Millisecond) // most likely it sleeps now; if not, the check sees the translation
		f.translate(code)
		if _, err := w.WriteString("abcdefg"); err != nil {
			t.Fatal(err)
		}
		f.within(done, "read")
		// A read of two pieces may be short, as after any fault half-way.
		if got := f.get64(n); got == 0 {
			t.Errorf("read %d bytes", got)
		} else if got == 7 && string(f.get(code, 5)) != []string{"", "abcde", "bcdef"}[count] {
			t.Errorf("code is %q", f.get(code, 8))
		} else if got < 7 {
			f.run(func(th *Thread) { f.expect(th, 0, abi.CallFDRead, 0, f.iov(abi.Iovec{Buf: view, Len: 8}), 1, n) })
			if string(f.get(code, 6)) != "bcdefg" {
				t.Errorf("the rest is %q", f.get(code, 8))
			}
		}
	}
}

// A page past the end of its object is a fault for good, and is tried once.
func TestFaultIsNotRepeated(t *testing.T) {
	f := newFixture(t)
	view, _ := f.views()
	th := &Thread{proc: f.p}
	calls := 0
	_, _, e := th.transfer([]host.Iovec{{Addr: view, Len: 8}}, true, func() (int, syscall.Errno) {
		calls++
		return 0, syscall.EFAULT
	})
	if e != abi.EFAULT || calls != 1 {
		t.Errorf("%v after %d calls, want EFAULT after 1", e, calls)
	}
	// Nor does a page that is translated over and over keep a call for ever.
	view, code := f.views()
	calls = 0
	_, _, e = th.transfer([]host.Iovec{{Addr: view, Len: 8}}, true, func() (int, syscall.Errno) {
		calls++
		f.translate(code)
		return 0, syscall.EFAULT
	})
	if e != abi.EFAULT || calls != maxUnlocks+1 {
		t.Errorf("%v after %d calls, want EFAULT after %d", e, calls, maxUnlocks+1)
	}
}
