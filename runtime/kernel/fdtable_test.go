package kernel

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func TestRightsOnlyShrink(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openFile(t, os.O_RDWR)})
	f.run(func(th *Thread) {
		st := abi.Fdstat{RightsBase: abi.RightFDRead | abi.RightFDSeek | abi.RightFDTell}
		b := make([]byte, abi.FdstatSize)
		put := func(want abi.Errno, base, inh abi.Rights, flags abi.Fdsflags) {
			t.Helper()
			st.RightsBase, st.RightsInheriting = base, inh
			st.Encode(b)
			f.expect(th, want, abi.CallFDStatPut, 0, f.bytes(b), uint64(flags))
		}
		const rw = abi.RightFDRead | abi.RightFDWrite
		put(0, rw, 0, abi.FdsflagRights)
		put(abi.ENOTCAPABLE, rw|abi.RightFDSync, 0, abi.FdsflagRights)
		put(abi.ENOTCAPABLE, rw, abi.RightFDRead, abi.FdsflagRights)
		put(abi.ENOTCAPABLE, rw, 0, abi.FdsflagFlags)
		put(abi.EINVAL, rw, 0, abi.FdsflagFlags|abi.FdsflagRights)
		put(abi.EINVAL, rw, 0, 0)

		one := f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8})
		n := f.alloc(8)
		f.expect(th, 0, abi.CallFDWrite, 0, one, 1, n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDPwrite, 0, one, 1, 0, n) // needs fd_seek
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDSeek, 0, 0, uint64(abi.WhenceCur), n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDSync, 0)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDDatasync, 0)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFileStatFget, 0, f.alloc(abi.FilestatSize))
		put(0, abi.RightFDRead, 0, abi.FdsflagRights)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDWrite, 0, one, 1, n)
		// A duplicate has what its original had, no more.
		f.expect(th, 0, abi.CallFDDup, 0, n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDWrite, uint64(f.get32(n)), one, 1, n)
		// Without any right it can still be looked at and closed.
		put(0, 0, 0, abi.FdsflagRights)
		f.expect(th, 0, abi.CallFDStatGet, 0, f.alloc(abi.FdstatSize))
		f.expect(th, 0, abi.CallFDClose, 0)
		f.expect(th, abi.EBADF, abi.CallFDClose, 0)
		f.expect(th, abi.EBADF, abi.CallFDStatGet, 0, f.alloc(abi.FdstatSize))
	})
}

// The right to seek contains the right to tell; the right to tell is no more.
func TestTellRight(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openFile(t, os.O_RDWR), Drop: abi.RightFDSeek},
		Grant{HostFD: openFile(t, os.O_RDWR), Drop: abi.RightFDTell})
	f.run(func(th *Thread) {
		n := f.alloc(8)
		f.expect(th, 0, abi.CallFDSeek, 0, 0, uint64(abi.WhenceCur), n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDSeek, 0, 1, uint64(abi.WhenceCur), n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDSeek, 0, 0, uint64(abi.WhenceSet), n)
		f.expect(th, 0, abi.CallFDSeek, 1, 0, uint64(abi.WhenceCur), n)
		f.expect(th, 0, abi.CallFDSeek, 1, 7, uint64(abi.WhenceSet), n)
		if got := f.get64(n); got != 7 {
			t.Errorf("offset %d, want 7", got)
		}
		f.expect(th, abi.EINVAL, abi.CallFDSeek, 1, 0, 0, n)
		f.expect(th, abi.EINVAL, abi.CallFDSeek, 1, ^uint64(0), uint64(abi.WhenceSet), n)
	})
}

func openFile(t testing.TB, flag int) int {
	t.Helper()
	name := filepath.Join(testdir.New(t), "file")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	return openPath(t, name, flag)
}

func openPath(t testing.TB, name string, flag int) int {
	t.Helper()
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return int(f.Fd())
}

func TestGrantRights(t *testing.T) {
	r, w := pipe(t)
	sa, sb, err := host.SocketPair(host.KindDatagramSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer host.CloseFD(sa)
	defer host.CloseFD(sb)
	tests := []struct {
		name       string
		fd         int
		typ        abi.Filetype
		base, inh  abi.Rights
		sharesFlag bool
	}{
		{"file, read only", openFile(t, os.O_RDONLY), abi.FiletypeRegularFile, rightsRegular &^ abi.RightFDWrite, 0, false},
		{"file, write only", openFile(t, os.O_WRONLY), abi.FiletypeRegularFile, rightsRegular &^ abi.RightFDRead, 0, false},
		{"file, both", openFile(t, os.O_RDWR), abi.FiletypeRegularFile, rightsRegular, 0, false},
		{"directory", openPath(t, testdir.New(t), os.O_RDONLY), abi.FiletypeDirectory, rightsDirectory, rightsDirectory | rightsRegular, false},
		{"device", openPath(t, os.DevNull, os.O_RDWR), abi.FiletypeCharacterDevice, rightsAll, rightsAll, false},
		{"pipe, reader", blocking(r), abi.FiletypeSocketStream, rightsSocket &^ abi.RightFDWrite, rightsAll, false},
		{"pipe, writer", blocking(w), abi.FiletypeSocketStream, rightsSocket &^ abi.RightFDRead, rightsAll, false},
		{"socket", sa, abi.FiletypeSocketDgram, rightsSocket, rightsAll, false},
	}
	if tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil && runtime.GOOS != "windows" {
		defer tty.Close()
		tests = append(tests, tests[0])
		last := &tests[len(tests)-1]
		last.name, last.fd, last.typ, last.base = "terminal", int(tty.Fd()), abi.FiletypeCharacterDevice, rightsTTY
	}
	var grants []Grant
	for _, tt := range tests {
		grants = append(grants, Grant{HostFD: tt.fd})
	}
	f := newFixture(t, grants...)
	f.run(func(th *Thread) {
		buf := f.alloc(abi.FdstatSize)
		for i, tt := range tests {
			f.expect(th, 0, abi.CallFDStatGet, uint64(i), buf)
			var st abi.Fdstat
			st.Decode(f.get(buf, abi.FdstatSize))
			if st.Filetype != tt.typ || st.RightsBase != tt.base&^rights2016 || st.RightsInheriting != tt.inh&^rights2016 {
				t.Errorf("%s: %v, rights %v, inheriting %v", tt.name, st.Filetype, st.RightsBase, st.RightsInheriting)
			}
		}
	})
	if _, err := NewProcess(Config{Space: f.mem, FDs: []Grant{{HostFD: 9999}}}); err == nil {
		t.Error("a descriptor that does not exist was granted")
	}
}

func TestTableFull(t *testing.T) {
	var ft fdTable
	o := newObject(dupStdin(t), host.KindCharDevice, abi.FiletypeCharacterDevice)
	fd, e := ft.insert(o, 0, 0)
	if fd != 0 || e != 0 {
		t.Fatalf("the first descriptor is %d, %v", fd, e)
	}
	for i := abi.FD(1); i < maxFDs; i++ {
		if fd, e = ft.dup(0); e != 0 || fd != i {
			t.Fatalf("descriptor %d: got %d, %v", i, fd, e)
		}
	}
	if _, e = ft.dup(0); e != abi.EMFILE {
		t.Errorf("one too many: %v", e)
	}
	for _, i := range []abi.FD{500, 3} {
		if e := ft.close(i); e != 0 {
			t.Error(e)
		}
	}
	if fd, e = ft.dup(9); e != 0 || fd != 3 {
		t.Errorf("got %d, %v, want the lowest free number, 3", fd, e)
	}
	ft.closeAll()
	if n := o.refs.Load(); n != 0 {
		t.Errorf("%d references are left", n)
	}
}

func dupStdin(t *testing.T) int {
	fd, err := host.AdoptFD(openPath(t, os.DevNull, os.O_RDWR))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// An object lives exactly as long as something refers to it, whatever threads do
// to its descriptors at the same time.
func TestTableRaces(t *testing.T) {
	var ft fdTable
	o := newObject(dupStdin(t), host.KindCharDevice, abi.FiletypeCharacterDevice)
	if _, e := ft.insert(o, rightsAll, 0); e != 0 {
		t.Fatal(e)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 20000 {
				switch (i + g) % 4 {
				case 0:
					if fd, e := ft.dup(0); e == 0 && fd != 0 {
						ft.close(fd)
					}
				case 1:
					if en, e := ft.entry(abi.FD(i%4), abi.RightFDRead); e == 0 {
						if _, err := host.Status(en.obj.fd); err != nil {
							t.Errorf("a descriptor in use is closed: %v", err)
						}
						en.obj.release()
					}
				case 2:
					ft.replace(0, abi.FD(1+i%3))
				case 3:
					ft.restrict(abi.FD(i%4), rightsAll, 0)
				}
			}
		}()
	}
	wg.Wait()
	hostFD := o.fd
	ft.closeAll()
	if n := o.refs.Load(); n != 0 {
		t.Errorf("%d references are left", n)
	}
	if _, err := host.Status(hostFD); err != syscall.EBADF {
		t.Errorf("the host descriptor is still open: %v", err)
	}
}
