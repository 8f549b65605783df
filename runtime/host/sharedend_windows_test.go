package host

import (
	"bytes"
	"syscall"
	"testing"
	"time"
)

// Messages keep their limits in memory that processes share, the empty ones too, around
// the end of the ring.
func TestSharedMessages(t *testing.T) {
	th := hostThread(t)
	a, b, err := SocketPair(KindDatagramSocket)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, a, b)
	shared(t, a)
	var m Message
	long := bytes.Repeat([]byte("0123456789abcdef"), pipeSize/16)
	buf := make([]byte, pipeSize)
	for round := range 5 {
		for _, msg := range [][]byte{long, nil, []byte("short")} {
			if n, e := th.Send(&m, a, iov(msg), nil, MsgDontWait); n != len(msg) || e != 0 {
				t.Fatalf("round %d: %d of %d sent, %v", round, n, len(msg), e)
			}
		}
		if n := Pending(b); n != pipeSize {
			t.Errorf("%d bytes wait", n)
		}
		for _, msg := range [][]byte{long, nil, []byte("short")} {
			n, _, got, e := th.Receive(&m, b, iov(buf), nil, 0)
			if !bytes.Equal(buf[:n], msg) || got != 0 || e != 0 {
				t.Fatalf("round %d: %d of %d received, %v, %v", round, n, len(msg), got, e)
			}
		}
	}
	if _, e := th.Send(&m, a, iov([]byte("first")), nil, 0); e != 0 {
		t.Fatal(e)
	}
	if n, _, got, e := th.Receive(&m, b, iov(buf[:3]), nil, MsgPeek|MsgTruncated); n != 5 || got != MsgTruncated || e != 0 {
		t.Errorf("looked at %d, %v, %v", n, got, e)
	}
	if n, _, got, e := th.Receive(&m, b, iov(buf[:3]), nil, 0); string(buf[:n]) != "fir" || got != MsgTruncated || e != 0 {
		t.Errorf("%q, %v, %v", buf[:n], got, e)
	}
	if _, _, _, e := th.Receive(&m, b, iov(buf), nil, MsgDontWait); e != syscall.EAGAIN {
		t.Errorf("the rest of a message is received: %v", e)
	}
}

// An end that is full takes no more until it is read, and says so; the other learns of the
// end of it all.
func TestSharedPipeIsBounded(t *testing.T) {
	th := hostThread(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, r)
	shared(t, r)
	poll := func(fd int, want, got int16) {
		t.Helper()
		p := []PollFD{{FD: int32(fd), Events: want}}
		if _, e := th.Poll(p, 0); e != 0 || p[0].Revents != got {
			t.Errorf("events %#x, %v; want %#x", p[0].Revents, e, got)
		}
	}
	if err := SetStatus(w, FlagNonblock); err != nil {
		t.Fatal(err)
	}
	poll(r, PollIn, 0)
	poll(w, PollOut, PollOut)
	if n, e := th.Write(w, iov(make([]byte, 3*pipeSize))); n != pipeSize || e != 0 {
		t.Errorf("%d bytes fit, %v", n, e)
	}
	if _, e := th.Write(w, iov([]byte("x"))); e != syscall.EAGAIN {
		t.Errorf("a full pipe takes more: %v", e)
	}
	poll(r, PollIn, PollIn)
	poll(w, PollOut, 0)
	if n, e := th.Read(r, iov(make([]byte, 2*pipeSize))); n != pipeSize || e != 0 {
		t.Errorf("%d bytes read, %v", n, e)
	}
	poll(w, PollOut, PollOut)
	_ = CloseFD(w)
	poll(r, PollIn, PollIn|PollErr|PollHup)
	if n, e := th.Read(r, iov(make([]byte, 1))); n != 0 || e != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
}

// Who waits for data when the end is moved gets those that come to its new place.
func TestSharedWhileReading(t *testing.T) {
	th := hostThread(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, r, w)
	done := make(chan error, 1)
	go func() {
		time.Sleep(20 * time.Millisecond) // most probably it waits by then
		f, _ := fileOf(w)
		s, err := f.end.share()
		if err == nil {
			_, e := s.send(nil, []byte("late"), nil, MsgDontWait)
			err = errorOrNil(e)
		}
		done <- err
	}()
	b := make([]byte, 10)
	if n, e := th.Read(r, iov(b)); string(b[:n]) != "late" || e != 0 {
		t.Errorf("read %q, %v", b[:n], e)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func errorOrNil(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}
