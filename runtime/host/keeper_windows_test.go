package host

import (
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

// attached sends a descriptor with a message.
func attached(t *testing.T, th *Thread, to int, text string, fds ...int) {
	t.Helper()
	var m Message
	var list []int32
	for _, fd := range fds {
		list = append(list, int32(fd))
	}
	if n, e := th.Send(&m, to, iov([]byte(text)), list, 0); n != len(text) || e != 0 {
		t.Fatalf("%d bytes with %d descriptors sent, %v", n, len(fds), e)
	}
}

// taken receives a message of so many descriptors.
func taken(t *testing.T, th *Thread, from int, text string, count int) (fds []int) {
	t.Helper()
	var m Message
	buf, list := make([]byte, 100), make([]int32, 20)
	n, nfds, got, e := th.Receive(&m, from, iov(buf), list, 0)
	if string(buf[:n]) != text || nfds != count || got != 0 || e != 0 {
		t.Fatalf("%q with %d descriptors has come, %v, %v; want %q with %d", buf[:n], nfds, got, e, text, count)
	}
	for _, fd := range list[:nfds] {
		fds = append(fds, int(fd))
	}
	return fds
}

// TestSharedDescriptors sends descriptors of every kind through ends that other processes
// may have, before that became so and after.
func TestSharedDescriptors(t *testing.T) {
	for _, kind := range []FileKind{KindStreamSocket, KindDatagramSocket} {
		for _, when := range []string{"before", "between"} {
			t.Run(fmt.Sprintf("%v, shared %s", kind, when), func(t *testing.T) { sharedDescriptors(t, kind, when) })
		}
	}
}

func sharedDescriptors(t *testing.T, kind FileKind, when string) {
	th := hostThread(t)
	a, b, err := SocketPair(kind)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, a, b)
	file := fileWith(t, "0123456789")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var socket int
	if cerr := raw.Control(func(h uintptr) { socket, err = AdoptFD(int(h)) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	sealed, err := NewSealed("", []byte("sealed"))
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}

	if when == "before" {
		shared(t, a)
	}
	attached(t, th, a, "plain")
	attached(t, th, a, "many", file, socket, sealed, w)
	attached(t, th, a, "end", r, b) // b to itself
	for _, fd := range []int{file, socket, sealed, w, r} {
		_ = CloseFD(fd)
	}
	if when == "between" {
		shared(t, b)
	}
	var m Message
	buf, list := make([]byte, 100), make([]int32, 20)
	if kind == KindStreamSocket {
		if n, e := th.Unattached(&m, b); n != 5 || e != 0 {
			t.Errorf("%d bytes before descriptors, %v", n, e)
		}
		n, nfds, got, e := th.Receive(&m, b, iov(buf), nil, MsgPeek)
		if string(buf[:n]) != "plainmany" || nfds != 0 || got != MsgFDsTruncated || e != 0 {
			t.Errorf("looked at %q, %v, %v", buf[:n], got, e)
		}
		if n, nfds, got, e := th.Receive(&m, b, iov(buf[:5]), list, MsgPeek); n != 5 || nfds != 0 || got != 0 || e != 0 {
			t.Errorf("looked at %d bytes with %d descriptors, %v, %v", n, nfds, got, e)
		}
	}
	taken(t, th, b, "plain", 0)
	n, nfds, _, e := th.Receive(&m, b, iov(buf), list, MsgPeek)
	if string(buf[:n]) != "many" || nfds != 4 || e != 0 {
		t.Fatalf("looked at %q with %d descriptors, %v", buf[:n], nfds, e)
	}
	for _, fd := range list[:nfds] {
		_ = CloseFD(int(fd))
	}
	many := taken(t, th, b, "many", 4)
	ends := taken(t, th, b, "end", 2)
	closed(t, slices.Concat(many[:3], ends)...)
	if n, e := th.Read(many[0], iov(buf[:4])); string(buf[:n]) != "0123" || e != 0 {
		t.Errorf("the file reads %q, %v", buf[:n], e)
	}
	if n, e := th.Write(many[1], iov([]byte("tcp"))); n != 3 || e != 0 {
		t.Errorf("the socket takes %d bytes, %v", n, e)
	}
	if n, err := peer.Read(buf); string(buf[:n]) != "tcp" || err != nil {
		t.Errorf("the socket carries %q, %v", buf[:n], err)
	}
	if b, ok := ReadSealed(many[2], 100); string(b) != "sealed" || !ok {
		t.Errorf("sealed content is %q", b)
	}
	if n, e := th.Write(many[3], iov([]byte("pipe"))); n != 4 || e != 0 {
		t.Errorf("the pipe takes %d bytes, %v", n, e)
	}
	_ = CloseFD(many[3])
	for _, want := range []string{"pipe", ""} {
		if n, e := th.Read(ends[0], iov(buf)); string(buf[:n]) != want || e != 0 {
			t.Errorf("the pipe carries %q, %v; want %q", buf[:n], e, want)
		}
	}
	attached(t, th, a, "self")
	taken(t, th, ends[1], "self", 0)
}

// Descriptors that nobody will receive are closed: with the last of the end, or with the
// message that they came with, when there was no room for them.
func TestSharedDescriptorsAreClosed(t *testing.T) {
	for _, how := range []string{"closed", "read", "no room", "never sent"} {
		t.Run(how, func(t *testing.T) {
			th := hostThread(t)
			a, b, err := SocketPair(KindStreamSocket)
			if err != nil {
				t.Fatal(err)
			}
			r, w, err := Pipe()
			if err != nil {
				t.Fatal(err)
			}
			closed(t, a, r)
			shared(t, a)
			var m Message
			if how == "never sent" {
				_ = CloseFD(b)
				if _, e := th.Send(&m, a, iov([]byte("x")), []int32{int32(w)}, 0); e != syscall.EPIPE {
					t.Errorf("sent to nobody: %v", e)
				}
			} else {
				attached(t, th, a, "lost", w)
			}
			_ = CloseFD(w)
			buf := make([]byte, 10)
			switch how {
			case "read":
				if n, e := th.Read(b, iov(buf)); n != 4 || e != 0 {
					t.Error(n, e)
				}
			case "no room":
				if n, _, got, e := th.Receive(&m, b, iov(buf), nil, 0); n != 4 || got != MsgFDsTruncated || e != 0 {
					t.Error(n, got, e)
				}
			}
			_ = CloseFD(b)
			if n, e := th.Read(r, iov(buf)); n != 0 || e != 0 {
				t.Errorf("the writer was lost on its way: %d, %v", n, e)
			}
		})
	}
}

// What can wait with descriptors is bounded, as bytes are; the polls say so.
func TestSharedDescriptorsAreBounded(t *testing.T) {
	for _, far := range []bool{false, true} {
		th := hostThread(t)
		a, b, err := SocketPair(KindDatagramSocket)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, a, b)
		if far {
			shared(t, a)
		}
		sealed, err := NewSealed("", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		closed(t, sealed)
		var m Message
		sent := 0
		for ; sent < 2*endLetters; sent++ {
			if _, e := th.Send(&m, a, iov(nil), []int32{int32(sealed)}, MsgDontWait); e == syscall.EAGAIN {
				break
			} else if e != 0 {
				t.Fatal(e)
			}
		}
		if sent != endLetters {
			t.Errorf("shared %v: %d messages with descriptors fit, want %d", far, sent, endLetters)
		}
		shared(t, a)
		taken(t, th, b, "", 1)
		attached(t, th, a, "", sealed)
		for range endLetters {
			for _, fd := range taken(t, th, b, "", 1) {
				_ = CloseFD(fd)
			}
		}
	}
}

// Handles stay in a keeper that has only just been started.
func TestKeeperKeeps(t *testing.T) {
	keeper, _, err := startKeeper(windows.CurrentProcess())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = windows.TerminateProcess(keeper, 1)
		_ = windows.CloseHandle(keeper)
	}()
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []uint64
	for range 500 {
		n, err := giveHandle(event, keeper)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	_ = windows.CloseHandle(event)
	for _, n := range numbers {
		h, err := fetch(keeper, n, false)
		if err != nil {
			t.Fatalf("handle %d of the keeper: %v", n, err)
		}
		if err := windows.SetEvent(h); err != nil {
			t.Fatal(err)
		}
		_ = windows.CloseHandle(h)
	}
}
