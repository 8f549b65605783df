package kernel

import (
	"bytes"
	"os"
	"testing"
	"time"

	"cabitrans/runtime/abi"
)

func TestReadWrite(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)})
	f.run(func(th *Thread) {
		n := f.alloc(8)
		hello, world := f.bytes([]byte("hello ")), f.bytes([]byte("world"))
		f.expect(th, 0, abi.CallFDWrite, 1, f.iov(abi.Iovec{Buf: hello, Len: 6}, abi.Iovec{Len: 0}, abi.Iovec{Buf: world, Len: 5}), 3, n)
		if got := f.get64(n); got != 11 {
			t.Errorf("wrote %d bytes", got)
		}
		a, b := f.alloc(4), f.alloc(100)
		args := [8]uint64{0, f.iov(abi.Iovec{Buf: a, Len: 4}, abi.Iovec{Buf: b, Len: 100}), 2}
		r0, r1, o := th.CallRaw(10, &args)
		if r0 != 11 || r1 != 0 || o != (Outcome{}) {
			t.Errorf("raw fd_read = %d, %d, %+v", r0, r1, o)
		}
		if got := string(f.get(a, 4)) + string(f.get(b, 7)); got != "hello world" {
			t.Errorf("read %q", got)
		}
	})
}

func TestIovecChecks(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR)})
	ro := f.pages(1)
	if err := f.mem.Protect(ro, abi.PageSize, abi.ProtRead); err != nil {
		t.Fatal(err)
	}
	many := f.pages(5)
	buf := f.alloc(64)
	f.run(func(th *Thread) {
		n := f.alloc(8)
		v := func(iov ...abi.Iovec) uint64 { return f.iov(iov...) }
		tests := []struct {
			name string
			call abi.Call
			addr uint64
			cnt  uint64
			want abi.Errno
		}{
			{"none", abi.CallFDWrite, 0, 0, 0},
			{"1024", abi.CallFDWrite, many, 1024, 0},
			{"1025", abi.CallFDWrite, many, 1025, abi.EINVAL},
			{"count near 2^64", abi.CallFDWrite, many, ^uint64(0), abi.EINVAL},
			{"array not mapped", abi.CallFDWrite, badAddr, 1, abi.EFAULT},
			{"array at 0", abi.CallFDWrite, 0, 1, abi.EFAULT},
			{"array wraps", abi.CallFDWrite, ^uint64(15), 2, abi.EFAULT},
			{"buffer not mapped", abi.CallFDWrite, v(abi.Iovec{Buf: badAddr, Len: 1}), 1, abi.EFAULT},
			{"buffer wraps", abi.CallFDWrite, v(abi.Iovec{Buf: ^uint64(0), Len: 2}), 1, abi.EFAULT},
			{"buffer runs out of the page", abi.CallFDWrite, v(abi.Iovec{Buf: ro, Len: 1 << 40}), 1, abi.EFAULT},
			{"total overflows", abi.CallFDWrite, v(abi.Iovec{Buf: buf, Len: 1}, abi.Iovec{Buf: buf, Len: 1<<63 - 1}), 2, abi.EINVAL},
			{"length negative", abi.CallFDWrite, v(abi.Iovec{Buf: buf, Len: 1 << 63}), 1, abi.EINVAL},
			{"write from read-only", abi.CallFDWrite, v(abi.Iovec{Buf: ro, Len: 8}), 1, 0},
			{"read into read-only", abi.CallFDRead, v(abi.Iovec{Buf: ro, Len: 8}), 1, abi.EFAULT},
			{"Go's own memory", abi.CallFDRead, v(abi.Iovec{Buf: 0xc000000000, Len: 8}), 1, abi.EFAULT},
		}
		for _, tt := range tests {
			if o := call(th, tt.call, 0, tt.addr, tt.cnt, n); o.Errno != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, o.Errno, tt.want)
			}
		}
		f.expect(th, abi.EINVAL, abi.CallFDPwrite, 0, many, 0, 0, n)
		f.expect(th, abi.EINVAL, abi.CallFDPwrite, 0, many, 1, 1<<63, n)
		f.expect(th, abi.EBADF, abi.CallFDWrite, 77, many, 1, n)
		f.expect(th, abi.EBADF, abi.CallFDWrite, uint64(abi.FDMapAnon), many, 1, n)
	})
}

func TestPositionedIO(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openFile(t, os.O_RDWR)})
	f.run(func(th *Thread) {
		n, buf := f.alloc(8), f.alloc(16)
		one := f.iov(abi.Iovec{Buf: buf, Len: 4})
		f.expect(th, 0, abi.CallFDPread, 0, one, 1, 3, n)
		if got := f.get(buf, 4); string(got) != "3456" || f.get64(n) != 4 {
			t.Errorf("read %q, %d bytes", got, f.get64(n))
		}
		f.expect(th, 0, abi.CallFDPwrite, 0, f.iov(abi.Iovec{Buf: buf, Len: 2}, abi.Iovec{Buf: buf, Len: 2}), 2, 6, n)
		f.expect(th, 0, abi.CallFDSeek, 0, 0, uint64(abi.WhenceCur), n)
		if pos := f.get64(n); pos != 0 {
			t.Errorf("the offset moved to %d", pos)
		}
		all := f.alloc(16)
		f.expect(th, 0, abi.CallFDRead, 0, f.iov(abi.Iovec{Buf: all, Len: 16}), 1, n)
		if got := f.get(all, int(f.get64(n))); string(got) != "0123453434" {
			t.Errorf("file holds %q", got)
		}
		f.expect(th, 0, abi.CallFDSync, 0)
		f.expect(th, 0, abi.CallFDDatasync, 0)
		st := f.alloc(abi.FilestatSize)
		f.expect(th, 0, abi.CallFileStatFget, 0, st)
		var s abi.Filestat
		s.Decode(f.get(st, abi.FilestatSize))
		if s.Size != 10 || s.Filetype != abi.FiletypeRegularFile || s.Nlink != 1 || time.Since(time.Unix(0, int64(s.Mtim))) > time.Hour {
			t.Errorf("file_stat_fget: %+v", s)
		}
	})
}

// A pipe without reader is an error, never a signal, on the standard numbers too.
func TestBrokenPipe(t *testing.T) {
	r, w := pipe(t)
	fd := blocking(w)
	f := newFixture(t, Grant{HostFD: fd}, Grant{HostFD: fd}, Grant{HostFD: fd})
	r.Close()
	f.run(func(th *Thread) {
		one := f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8})
		n := f.alloc(8)
		for fd := range uint64(3) {
			f.expect(th, abi.EPIPE, abi.CallFDWrite, fd, one, 1, n)
		}
	})
}

// A kick ends a blocked read; the repeated call reads what came meanwhile.
func TestKickedRead(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	n, buf := f.alloc(8), f.alloc(8)
	one := f.iov(abi.Iovec{Buf: buf, Len: 8})
	started, restarted := make(chan *Thread, 1), make(chan bool, 1)
	done := f.spawn(func(th *Thread) {
		started <- th
		a := [8]uint64{0, one, 1, n}
		o := th.CallVDSO(abi.CallFDRead, &a)
		restarted <- o.Action == ActionRestart
		th.Host.ClearKick()
		f.expect(th, 0, abi.CallFDRead, a[0], a[1], a[2], a[3])
	})
	th := <-started
	time.Sleep(5 * time.Millisecond)
	th.Host.Kick()
	if !<-restarted {
		t.Error("the kicked read did not ask to be repeated")
	}
	if _, err := w.WriteString("data"); err != nil {
		t.Fatal(err)
	}
	f.within(done, "read")
	if got := f.get(buf, 4); !bytes.Equal(got, []byte("data")) || f.get64(n) != 4 {
		t.Errorf("read %q, %d bytes", got, f.get64(n))
	}
	if got := f.p.Counts()[abi.CallFDRead]; got != 1 {
		t.Errorf("counted %d reads, want 1", got)
	}
}

func TestStatusFlags(t *testing.T) {
	r, w := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)}, Grant{HostFD: openPath(t, os.DevNull, os.O_WRONLY|os.O_SYNC)})
	_ = w
	f.run(func(th *Thread) {
		buf := f.alloc(abi.FdstatSize)
		flags := func(fd uint64) abi.Fdflags {
			var st abi.Fdstat
			f.expect(th, 0, abi.CallFDStatGet, fd, buf)
			st.Decode(f.get(buf, abi.FdstatSize))
			return st.Flags
		}
		set := func(want abi.Errno, fd uint64, fl abi.Fdflags) {
			t.Helper()
			b := make([]byte, abi.FdstatSize)
			(&abi.Fdstat{Flags: fl}).Encode(b)
			f.expect(th, want, abi.CallFDStatPut, fd, f.bytes(b), uint64(abi.FdsflagFlags))
		}
		if got := flags(0); got != 0 {
			t.Errorf("flags %v", got)
		}
		set(0, 0, abi.FdflagNonblock)
		if got := flags(0); got != abi.FdflagNonblock {
			t.Errorf("flags %v", got)
		}
		f.expect(th, abi.EAGAIN, abi.CallFDRead, 0, f.iov(abi.Iovec{Buf: buf, Len: 1}), 1, f.alloc(8))
		set(0, 0, 0)
		set(abi.ENOTSUP, 0, abi.FdflagDsync)
		set(abi.ENOTSUP, 0, abi.FdflagRsync)
		set(abi.EINVAL, 0, 0x20)
		if got := flags(1); got != abi.FdflagSync {
			t.Errorf("flags %v", got)
		}
		set(0, 1, abi.FdflagSync)
		set(0, 1, abi.FdflagSync|abi.FdflagDsync|abi.FdflagAppend)
		if got := flags(1); got != abi.FdflagSync|abi.FdflagAppend {
			t.Errorf("flags %v", got)
		}
	})
}
