package host

import (
	"syscall"
	"testing"
	"time"
)

// closed closes descriptors when the test ends.
func closed(t *testing.T, fds ...int) {
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = CloseFD(fd)
		}
	})
}

// shared moves what a descriptor's end and its peer's have to where other processes see it.
func shared(t *testing.T, fd int) {
	t.Helper()
	f, e := fileOf(fd)
	if e != 0 {
		t.Fatal(e)
	}
	if _, err := f.end.share(); err != nil {
		t.Fatal(err)
	}
}

// What was sent in pieces is received as one stream, and looked at as one, wherever it
// waits.
func TestStreamOfPieces(t *testing.T) {
	for _, when := range []string{"never", "before", "between"} {
		t.Run("shared "+when, func(t *testing.T) { streamOfPieces(t, when) })
	}
}

func streamOfPieces(t *testing.T, when string) {
	th := hostThread(t)
	a, b, err := SocketPair(KindStreamSocket)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, a, b)
	if when == "before" {
		shared(t, a)
	}
	for _, piece := range []string{"Hello ", "world"} {
		if n, e := th.Write(a, iov([]byte(piece))); n != len(piece) || e != 0 {
			t.Fatal(n, e)
		}
	}
	if when == "between" {
		shared(t, b)
	}
	var m Message
	buf := make([]byte, 10)
	n, _, _, e := th.Receive(&m, b, iov(buf), nil, MsgPeek)
	if e != 0 || string(buf[:n]) != "Hello worl" {
		t.Errorf("looked at %q, %v", buf[:n], e)
	}
	if n := Pending(b); n != 11 {
		t.Errorf("%d bytes wait", n)
	}
	if n, e := th.Read(b, iov(buf)); e != 0 || string(buf[:n]) != "Hello worl" {
		t.Errorf("read %q, %v", buf[:n], e)
	}
	if n, e := th.Read(b, iov(buf)); e != 0 || string(buf[:n]) != "d" {
		t.Errorf("read %q, %v", buf[:n], e)
	}
	if err := SetStatus(b, FlagNonblock); err != nil {
		t.Error(err)
	}
	if _, e := th.Read(b, iov(buf)); e != syscall.EAGAIN {
		t.Errorf("read of nothing: %v", e)
	}
	_ = CloseFD(a)
	if n, e := th.Read(b, iov(buf)); n != 0 || e != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
	if _, e := th.Write(b, iov(buf)); e != syscall.EPIPE {
		t.Errorf("write to nobody: %v", e)
	}
}

// Messages stay apart, lose what has no room, and carry descriptors.
func TestMessagesWithDescriptors(t *testing.T) {
	th := hostThread(t)
	a, b, err := SocketPair(KindDatagramSocket)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, a, b, r)
	var m Message
	if n, e := th.Send(&m, a, iov([]byte("first")), []int32{int32(w)}, 0); n != 5 || e != 0 {
		t.Fatal(n, e)
	}
	_ = CloseFD(w) // it is on its way
	if n, e := th.Send(&m, a, iov([]byte("second")), nil, 0); n != 6 || e != 0 {
		t.Fatal(n, e)
	}
	buf, fds := make([]byte, 3), make([]int32, 2)
	if n, _, got, e := th.Receive(&m, b, iov(buf), nil, MsgPeek|MsgTruncated); n != 5 || e != 0 || got&MsgTruncated == 0 {
		t.Errorf("looked at %d, %v, %v", n, got, e)
	}
	n, nfds, got, e := th.Receive(&m, b, iov(buf), fds, 0)
	if string(buf[:n]) != "fir" || nfds != 1 || got != MsgTruncated || e != 0 {
		t.Fatalf("%q, %d descriptors, %v, %v", buf[:n], nfds, got, e)
	}
	if n, e := th.Write(int(fds[0]), iov([]byte("through"))); n != 7 || e != 0 {
		t.Errorf("writing to what came: %d, %v", n, e)
	}
	_ = CloseFD(int(fds[0]))
	text := make([]byte, 10)
	if n, e := th.Read(r, iov(text)); string(text[:n]) != "through" || e != 0 {
		t.Errorf("%q, %v", text[:n], e)
	}
	if n, e := th.Read(r, iov(text)); n != 0 || e != 0 {
		t.Errorf("all writers are closed: %d, %v", n, e)
	}
	// A descriptor that nobody receives is closed with the socket.
	r, w, err = Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, r)
	if _, e := th.Send(&m, a, iov([]byte("third")), []int32{int32(w)}, 0); e != 0 {
		t.Fatal(e)
	}
	_ = CloseFD(w)
	_ = CloseFD(b)
	if n, e := th.Read(r, iov(text)); n != 0 || e != 0 {
		t.Errorf("the writer was lost on its way: %d, %v", n, e)
	}
}

// A kick ends a wait for data.
func TestKickWhileReading(t *testing.T) {
	th := hostThread(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, r, w)
	go func() {
		time.Sleep(20 * time.Millisecond)
		th.Kick()
	}()
	if _, e := th.Read(r, iov(make([]byte, 1))); e != syscall.EINTR {
		t.Errorf("read: %v, want EINTR", e)
	}
	th.ClearKick()
	go func() {
		time.Sleep(20 * time.Millisecond)
		th.Kick()
	}()
	if n, e := th.Poll([]PollFD{{FD: int32(r), Events: PollIn}}, -1); e != syscall.EINTR {
		t.Errorf("poll: %d, %v, want EINTR", n, e)
	}
	th.ClearKick()
}
