//go:build amd64

package host

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// TestProcessDescriptor looks at the two ends of one, as a process that lives,
// ends and is killed leaves them.
func TestProcessDescriptor(t *testing.T) {
	holder, child, err := NewProcessPair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = CloseFD(holder) }()
	if i, err := StatFD(holder); err != nil || i.Kind != KindProcess {
		t.Errorf("the holder's end is of kind %v, %v", i.Kind, err)
	}
	if i, err := StatFD(child); err != nil || i.Kind == KindProcess {
		t.Errorf("the child's end is of kind %v, %v", i.Kind, err)
	}
	if _, _, ended := PeekEnd(holder); ended {
		t.Error("a process without status has ended")
	}
	want := End{Code: 0xdeadbeef, Signal: 3}
	if err := SendEnd(child, want); err != nil {
		t.Fatal(err)
	}
	for range 2 { // looking does not take it away
		if got, killed, ended := PeekEnd(holder); got != want || killed || !ended {
			t.Errorf("status %+v, killed %v, ended %v; want %+v", got, killed, ended, want)
		}
	}
	_ = CloseFD(child)
	if got, killed, ended := PeekEnd(holder); got != want || killed || !ended {
		t.Errorf("after the end: status %+v, killed %v, ended %v; want %+v", got, killed, ended, want)
	}

	holder2, child2, err := NewProcessPair()
	if err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(child2)
	if _, killed, ended := PeekEnd(holder2); !killed || !ended {
		t.Errorf("a process that is gone: killed %v, ended %v", killed, ended)
	}
	_ = CloseFD(holder2)
}

// TestMessages sends more descriptors than fit into one message.
func TestMessages(t *testing.T) {
	a, b, err := NewProcessPair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = CloseFD(a) }()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, n := range []int{0, 1, maxMessageFDs, 2*maxMessageFDs + 7} {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = int(null.Fd())
		}
		if err := SendMessage(a, []byte("hello"), fds); err != nil {
			t.Fatal(err)
		}
		msg, got, err := ReceiveMessage(b)
		if err != nil || string(msg) != "hello" || len(got) != n {
			t.Errorf("%d descriptors sent: got %q and %d, %v", n, msg, len(got), err)
		}
		for _, fd := range got {
			if i, err := StatFD(fd); err != nil || i.Kind != KindCharDevice || Inherited(fd) {
				t.Fatalf("a descriptor came as %+v, %v, inherited %v", i, err, Inherited(fd))
			}
			_ = CloseFD(fd)
		}
	}
	_ = CloseFD(b)
	if _, _, err := ReceiveMessage(a); !errors.Is(err, io.EOF) {
		t.Errorf("from an end that is gone: %v", err)
	}
}

// TestStartSelf starts this program anew, as a child that says hello, and closes
// its descriptor while it sleeps: that kills it.
func TestStartSelf(t *testing.T) {
	holder, child, err := NewProcessPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := StartSelf(child); err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(child)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := SendMessage(holder, []byte("sleep"), []int{int(w.Fd())}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if msg, _, err := ReceiveMessage(holder); err != nil || string(msg) != "ready" {
		t.Fatalf("the child said %q, %v", msg, err)
	}
	if err := r.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the child does not hold its descriptor: %v", err)
	}
	_ = CloseFD(holder)
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the last close the child lives on: %v", err)
	}
}

// init is the child's side of TestStartSelf.
func init() {
	if os.Getenv(ContinueEnv) == "" {
		return
	}
	msg, _, err := ReceiveMessage(continueFD)
	if err != nil || string(msg) != "sleep" || SendMessage(continueFD, []byte("ready"), nil) != nil ||
		KillOnHangup(continueFD) != nil {
		os.Exit(1)
	}
	time.Sleep(time.Hour)
}

// TestSnapshot copies scattered pages and maps them elsewhere in time.
func TestSnapshot(t *testing.T) {
	sp := space(t)
	const lo, n = 0x1000_0000, 64 * PageSize
	if err := sp.MapAnon(lo, n, ProtRead|ProtWrite); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sp.Unmap(lo, n) }()
	for _, p := range []uint64{0, 1, 17, 63} {
		if err := Store64(lo+p*PageSize+8, p+100); err != nil {
			t.Fatal(err)
		}
	}
	got := Touched(lo, lo+n, true)
	want := []Range{{lo, lo + 2*PageSize}, {lo + 17*PageSize, lo + 18*PageSize}, {lo + 63*PageSize, lo + n}}
	if len(got) != len(want) {
		t.Fatalf("touched pages are %x, want %x", got, want)
	}
	s, err := NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, r := range got {
		if r != want[i] {
			t.Fatalf("touched pages are %x, want %x", got, want)
		}
		if err := s.Save(r.Lo, r.Hi); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WriteNote([]byte("a note")); err != nil {
		t.Fatal(err)
	}
	if d := s.Data(lo, lo+n); len(d) != len(want) || d[1] != want[1] {
		t.Errorf("the snapshot holds %x, want %x", d, want)
	}
	if b, err := s.ReadNote(); err != nil || string(b) != "a note" {
		t.Errorf("the note is %q, %v", b, err)
	}
	if err := sp.MapSnapshot(s, lo, n, ProtRead|ProtWrite); err != nil {
		t.Fatal(err)
	}
	for _, p := range []uint64{0, 1, 17, 63} {
		if v, err := Load64(lo + p*PageSize + 8); err != nil || v != p+100 {
			t.Errorf("page %d holds %d, %v", p, v, err)
		}
	}
	if err := Store64(lo+8, 1); err != nil {
		t.Fatal(err)
	}
	if d := s.Data(lo, lo+PageSize); len(d) != 1 {
		t.Errorf("page 0 of the snapshot is %x", d)
	}
	if got := Touched(lo, lo+n, true); len(got) != 1 || got[0] != (Range{lo, lo + PageSize}) {
		t.Errorf("after a write the private pages are %x", got)
	}
}
