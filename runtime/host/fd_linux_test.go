package host

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onThread runs f on a guest thread's host side.
func onThread(t *testing.T, f func(th *Thread)) {
	t.Helper()
	space(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		th, err := NewThread(0)
		if err != nil {
			t.Error(err)
			return
		}
		defer th.Close()
		f(th)
	}()
	<-done
}

// guestPages maps n pages of the arena.
func guestPages(t *testing.T, n uint64) uint64 {
	t.Helper()
	s := space(t)
	a := s.Arena()[len(s.Arena())-1].Lo
	if err := s.MapAnon(a, n*PageSize, ProtRead|ProtWrite); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Unmap(a, n*PageSize) })
	return a
}

func tempFile(t *testing.T, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), flag|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestKinds(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	sa, sb, err := SocketPair(KindStreamSocket)
	if err != nil {
		t.Fatal(err)
	}
	da, db, err := SocketPair(KindDatagramSocket)
	if err != nil {
		t.Fatal(err)
	}
	seq, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{sa, sb, da, db, seq, event} {
		defer CloseFD(fd)
	}
	for _, tt := range []struct {
		name        string
		fd          int
		kind        FileKind
		read, write bool
	}{
		{"file", int(tempFile(t, os.O_RDWR).Fd()), KindRegular, true, true},
		{"file to write", int(tempFile(t, os.O_WRONLY).Fd()), KindRegular, false, true},
		{"directory", int(dir.Fd()), KindDirectory, true, false},
		{"device", int(null.Fd()), KindCharDevice, true, false},
		{"pipe to read", int(r.Fd()), KindPipe, true, false},
		{"pipe to write", int(w.Fd()), KindPipe, false, true},
		{"stream", sa, KindStreamSocket, true, true},
		{"datagrams", db, KindDatagramSocket, true, true},
		{"sequenced packets", seq, KindSeqpacketSocket, true, true},
		{"event counter", event, KindUnknown, true, true},
	} {
		info, err := StatFD(tt.fd)
		if err != nil || info.Kind != tt.kind {
			t.Errorf("%s: kind %d, %v, want %d", tt.name, info.Kind, err, tt.kind)
		}
		read, write, err := AccessMode(tt.fd)
		if err != nil || read != tt.read || write != tt.write {
			t.Errorf("%s: read %v, write %v, %v", tt.name, read, write, err)
		}
	}
	if _, err := StatFD(9999); !errors.Is(err, syscall.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
	if _, _, err := AccessMode(9999); !errors.Is(err, syscall.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
}

func TestDup(t *testing.T) {
	f := tempFile(t, os.O_RDWR)
	fd, err := DupFD(int(f.Fd()))
	if err != nil || fd < 3 || Inherited(fd) {
		t.Fatalf("descriptor %d, %v, inherited %v", fd, err, Inherited(fd))
	}
	a, _ := StatFD(fd)
	b, _ := StatFD(int(f.Fd()))
	if a.Dev != b.Dev || a.Ino != b.Ino || a.Ino == 0 {
		t.Errorf("the duplicate shows inode %d of %d, not %d of %d", a.Ino, a.Dev, b.Ino, b.Dev)
	}
	if err := CloseFD(fd); err != nil {
		t.Error(err)
	}
	if err := CloseFD(fd); !errors.Is(err, syscall.EBADF) {
		t.Errorf("second close: %v", err)
	}
}

func TestSetStatus(t *testing.T) {
	plain := int(tempFile(t, os.O_RDWR).Fd())
	synced := int(tempFile(t, os.O_RDWR|os.O_SYNC).Fd())
	dsynced := int(tempFile(t, os.O_RDWR|unix.O_DSYNC).Fd())
	for _, tt := range []struct {
		fd   int
		set  StatusFlags
		want StatusFlags
		err  error
	}{
		{plain, FlagAppend, FlagAppend, nil},
		{plain, FlagNonblock, FlagNonblock, nil},
		{plain, FlagAppend | FlagNonblock, FlagAppend | FlagNonblock, nil},
		{plain, FlagSync, FlagAppend | FlagNonblock, syscall.EOPNOTSUPP},
		{plain, FlagDSync | FlagAppend, FlagAppend | FlagNonblock, syscall.EOPNOTSUPP},
		{plain, 0, 0, nil},
		{synced, FlagAppend, FlagSync, syscall.EOPNOTSUPP},
		{synced, FlagSync | FlagAppend, FlagSync | FlagAppend, nil},
		{dsynced, FlagDSync, FlagDSync, nil},
		{dsynced, FlagSync, FlagDSync, syscall.EOPNOTSUPP},
	} {
		if err := SetStatus(tt.fd, tt.set); !errors.Is(err, tt.err) {
			t.Errorf("SetStatus(%#x): %v, want %v", tt.set, err, tt.err)
		}
		if got, err := Status(tt.fd); err != nil || got != tt.want {
			t.Errorf("after SetStatus(%#x): %#x, %v, want %#x", tt.set, got, err, tt.want)
		}
	}
}

func TestTransfers(t *testing.T) {
	f := tempFile(t, os.O_RDWR)
	fd := int(f.Fd())
	a := guestPages(t, 2)
	for i, s := range []string{"hello ", "world"} {
		if _, err := CopyOut(a+uint64(i)*100, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	two := []Iovec{{a, 6}, {a + 100, 5}}
	onThread(t, func(th *Thread) {
		check := func(what string, n int, e syscall.Errno, want int, wantErr syscall.Errno) {
			t.Helper()
			if n != want || e != wantErr {
				t.Errorf("%s: %d, %v, want %d, %v", what, n, e, want, wantErr)
			}
		}
		n, e := th.Write(fd, two)
		check("write of two pieces", n, e, 11, 0)
		n, e = th.Write(fd, two[1:])
		check("write of one", n, e, 5, 0)
		n, e = th.Write(fd, nil)
		check("write of none", n, e, 0, 0)
		n, e = th.WriteAt(fd, two[1:], 1<<32|20)
		check("write far out", n, e, 5, 0)
		n, e = th.ReadAt(fd, []Iovec{{a + 200, 3}, {a + 300, 100}}, 6)
		check("read at", n, e, 103, 0)
		if pos, err := Seek(fd, 0, SeekCur); pos != 16 || err != nil {
			t.Errorf("offset %d, %v", pos, err)
		}
		n, e = th.Read(9999, two)
		check("no descriptor", n, e, 0, syscall.EBADF)
		n, e = th.Read(fd, []Iovec{{0, 8}})
		check("read to nowhere", n, e, 0, syscall.EFAULT)
		if e := th.Sync(fd, false); e != 0 {
			t.Errorf("sync: %v", e)
		}
		if e := th.Sync(fd, true); e != 0 {
			t.Errorf("data sync: %v", e)
		}
	})
	var got [10]byte
	if _, err := CopyIn(got[:3], a+200); err != nil || string(got[:3]) != "wor" {
		t.Errorf("read %q, %v", got[:3], err)
	}
	if info, err := StatFD(fd); err != nil || info.Size != 1<<32|25 {
		t.Errorf("size %#x, %v: an offset lost its upper half", info.Size, err)
	}
	if err := Truncate(fd, 4); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(io.NewSectionReader(f, 0, 100)); string(b) != "hell" || err != nil {
		t.Errorf("truncated to %q, %v", b, err)
	}
}

func TestPoll(t *testing.T) {
	a, b, err := SocketPair(KindStreamSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseFD(a)
	page := guestPages(t, 1)
	onThread(t, func(th *Thread) {
		fds := []PollFD{{FD: -1, Events: PollIn}, {FD: int32(a), Events: PollIn}, {FD: int32(a), Events: PollOut}, {FD: 9999, Events: PollIn}}
		n, e := th.Poll(fds, -1)
		if n != 2 || e != 0 || fds[0].Revents != 0 || fds[1].Revents != 0 || fds[2].Revents != PollOut || fds[3].Revents != PollNval {
			t.Errorf("%d, %v, %+v", n, e, fds)
		}
		begin := Monotonic()
		n, e = th.Poll(fds[:2], int64(20*time.Millisecond))
		if n != 0 || e != 0 || Monotonic()-begin < int64(20*time.Millisecond) {
			t.Errorf("a timeout of 20 ms: %d, %v, after %v", n, e, time.Duration(Monotonic()-begin))
		}
		if n, e = th.Poll(nil, 0); n != 0 || e != 0 {
			t.Errorf("nothing: %d, %v", n, e)
		}
		if n, e = th.Write(b, []Iovec{{page, 7}}); n != 7 || e != 0 {
			t.Errorf("write: %d, %v", n, e)
		}
		if n := Pending(a); n != 7 {
			t.Errorf("%d bytes are pending, want 7", n)
		}
		if err := CloseFD(b); err != nil {
			t.Error(err)
		}
		n, e = th.Poll(fds[1:2], -1)
		if n != 1 || e != 0 || fds[1].Revents&(PollIn|PollHup) != PollIn|PollHup {
			t.Errorf("after the peer has gone: %d, %v, %#x", n, e, fds[1].Revents)
		}
		if n := Pending(9999); n != 0 {
			t.Errorf("no descriptor has %d bytes pending", n)
		}
		th.Kick()
		if _, e = th.Poll(nil, -1); e != syscall.EINTR {
			t.Errorf("kicked: %v", e)
		}
		th.ClearKick()
	})
}

func TestRandomFill(t *testing.T) {
	a := guestPages(t, 2)
	onThread(t, func(th *Thread) {
		if n, e := th.Random(a, 2*PageSize); n != 2*PageSize || e != 0 {
			t.Errorf("%d, %v", n, e)
		}
		var b [PageSize]byte
		if _, err := CopyIn(b[:], a+PageSize); err != nil || b == [PageSize]byte{} {
			t.Errorf("the second page was not filled: %v", err)
		}
		// Only what is writable is filled, and the error says so.
		if n, e := th.Random(a, 3*PageSize); e != syscall.EFAULT || n > 2*PageSize {
			t.Errorf("over the end: %d, %v", n, e)
		}
		th.Kick()
		if _, e := th.Random(a, 1); e != syscall.EINTR {
			t.Errorf("kicked: %v", e)
		}
		th.ClearKick()
	})
}

func TestMemoryCalls(t *testing.T) {
	s := space(t)
	a := guestPages(t, 2)
	if err := Store32(a, 77); err != nil {
		t.Fatal(err)
	}
	for adv := AdviceNormal; adv <= AdviceCold; adv++ {
		if err := s.Advise(a, 2*PageSize, adv); err != nil {
			t.Errorf("advice %d: %v", adv, err)
		}
	}
	for _, wait := range []bool{false, true} {
		for _, invalidate := range []bool{false, true} {
			if err := s.Sync(a, 2*PageSize, wait, invalidate); err != nil {
				t.Errorf("sync, wait %v, invalidate %v: %v", wait, invalidate, err)
			}
		}
	}
	if v, err := Load32(a); v != 77 || err != nil {
		t.Errorf("%d, %v: the contents have changed", v, err)
	}
	onThread(t, func(th *Thread) {
		for _, lock := range []bool{true, false} {
			if e := th.LockMemory(a, PageSize, lock); e != 0 {
				t.Errorf("lock %v: %v", lock, e)
			}
		}
		if e := th.LockMemory(1<<47, PageSize, true); e == 0 {
			t.Error("memory that is not there was locked")
		}
		th.Yield()
	})
}
