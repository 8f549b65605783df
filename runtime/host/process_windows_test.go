package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cabitrans/internal/testdir"
)

// init is the child's side of TestStartSelf.
func init() {
	if os.Getenv(ContinueEnv) == "" {
		return
	}
	fd, err := Continued()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	err = beChild(fd)
	_ = SendReady(fd, err)
	if err == nil {
		time.Sleep(time.Hour) // until it is killed
	}
	_ = SendEnd(fd, End{Code: 0xdeadbeef, Signal: 3})
	os.Exit(0)
}

// beChild reads from a file, and says so through a pipe.
func beChild(fd int) error {
	msg, fds, err := ReceiveMessage(fd)
	if err != nil || len(fds) < 2 {
		return fmt.Errorf("%d descriptors have come, %w", len(fds), err)
	}
	th, err := NewThread(0)
	if err != nil {
		return err
	}
	defer th.Close()
	b := make([]byte, 4)
	if n, e := th.Read(fds[0], iov(b)); e != 0 || string(b[:n]) != "4567" {
		return fmt.Errorf("read %q, %w", b[:n], e)
	}
	if s, err := Status(fds[1]); err != nil || s != FlagNonblock {
		return fmt.Errorf("the pipe has flags %v, %w", s, err)
	}
	for _, fd := range fds[2:] {
		if _, killed, ended := PeekEnd(fd); ended {
			return fmt.Errorf("the first child has ended: killed %v", killed)
		}
	}
	if n, e := th.Write(fds[1], iov(msg)); n != len(msg) || e != 0 {
		return fmt.Errorf("written %d, %w", n, e)
	}
	if string(msg) == "fail" {
		return fmt.Errorf("as it was told")
	}
	return nil
}

// startChild starts a child with what beChild expects.
func startChild(t *testing.T, msg string, fds ...int) (holder int) {
	t.Helper()
	holder, child, err := NewProcessPair()
	if err != nil {
		t.Fatal(err)
	}
	if i, err := StatFD(holder); err != nil || i.Kind != KindProcess {
		t.Errorf("the holder's end is of kind %v, %v", i.Kind, err)
	}
	if err := StartSelf(child); err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(child)
	if err := SendMessage(holder, []byte(msg), fds); err != nil {
		t.Fatal(err)
	}
	return holder
}

// fileWith is a descriptor of a file that holds content, opened for reading.
func fileWith(t *testing.T, content string) (fd int) {
	t.Helper()
	path := filepath.Join(testdir.New(t), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if fd, err = AdoptFD(int(f.Fd())); err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestStartSelf starts this program anew, twice: a child gets a file whose offset and a
// pipe whose flags it shares, and the process descriptor of the other.
func TestStartSelf(t *testing.T) {
	th := hostThread(t)
	file := fileWith(t, "0123456789abcdef")
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, file, r)
	if err := SetStatus(w, FlagNonblock); err != nil {
		t.Fatal(err)
	}
	said := func(want string) {
		t.Helper()
		b := make([]byte, 10)
		if n, e := th.Read(r, iov(b)); string(b[:n]) != want || e != 0 {
			t.Errorf("the child says %q, %v; want %q", b[:n], e, want)
		}
	}
	offset := func(set int64) {
		t.Helper()
		if off, err := Seek(file, set, SeekSet); off != set || err != nil {
			t.Fatal(off, err)
		}
	}

	offset(4)
	first := startChild(t, "hello", file, w)
	if e := th.AwaitMessage(first); e != 0 {
		t.Fatal(e)
	}
	if err := ReceiveReady(first); err != nil {
		t.Error(err)
	}
	said("hello")
	if off, err := Seek(file, 0, SeekCur); off != 8 || err != nil {
		t.Errorf("the child has read to offset %d, %v", off, err)
	}
	if _, _, ended := PeekEnd(first); ended {
		t.Error("a process that lives has ended")
	}

	offset(4)
	second := startChild(t, "fail", file, w, first)
	if err := ReceiveReady(second); err == nil || err.Error() != "as it was told" {
		t.Errorf("a child that fails: %v", err)
	}
	said("fail")
	p := []PollFD{{FD: int32(second), Events: PollIn}}
	if n, e := th.Poll(p, -1); n != 1 || e != 0 || p[0].Revents != PollIn {
		t.Errorf("events of a process that ends: %#x, %v", p[0].Revents, e)
	}
	if got, killed, ended := PeekEnd(second); got != (End{Code: 0xdeadbeef, Signal: 3}) || killed || !ended {
		t.Errorf("status %+v, killed %v, ended %v", got, killed, ended)
	}
	_ = CloseFD(second)

	// With its last descriptor the other child goes, and what it had.
	_ = CloseFD(w)
	_ = CloseFD(first)
	said("")
}
