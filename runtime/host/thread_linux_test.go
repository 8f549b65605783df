//go:build amd64

package host

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParkAndKick(t *testing.T) {
	space(t)
	started, out := make(chan *Thread), make(chan ParkResult)
	go func() {
		th, err := NewThread(0)
		if err != nil {
			t.Error(err)
			close(started)
			return
		}
		defer th.Close()
		started <- th
		out <- th.Park(1, -1)
		out <- th.Park(1, -1)
		th.ClearKick()
		out <- th.Park(1, 1)
		<-started
	}()
	th := <-started
	time.Sleep(10 * time.Millisecond)
	th.Unpark()
	if r := <-out; r != ParkWoken {
		t.Errorf("after Unpark: %v", r)
	}
	time.Sleep(10 * time.Millisecond)
	th.Kick()
	if r := <-out; r != ParkInterrupted {
		t.Errorf("after Kick: %v", r)
	}
	if r := <-out; r != ParkTimedOut {
		t.Errorf("deadline in the past: %v", r)
	}
	started <- nil
}

// A guest thread's CPU time does not count what its operating-system thread did
// before.
func TestCPUTimeOfThread(t *testing.T) {
	space(t)
	run := func(fn func(th *Thread)) {
		done := make(chan bool)
		err := Go(func() {
			defer close(done)
			th, err := NewThread(0)
			if err != nil {
				t.Error(err)
				return
			}
			defer th.Close()
			fn(th)
		})
		if err != nil {
			t.Fatal(err)
		}
		<-done
	}
	cpu := func(th *Thread) int64 {
		ns, err := th.CPUTime()
		if err != nil {
			t.Error(err)
		}
		return ns
	}
	const burnt = 30_000_000
	for range 3 {
		run(func(th *Thread) {
			begin := cpu(th)
			if begin > burnt/2 {
				t.Errorf("a new thread has used %d ns of CPU time", begin)
			}
			for cpu(th)-begin < burnt {
			}
		})
	}
}

func TestKickInterruptsRead(t *testing.T) {
	space(t)
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	started, out := make(chan *Thread), make(chan syscall.Errno)
	go func() {
		th, err := NewThread(0)
		if err != nil {
			t.Error(err)
			close(started)
			return
		}
		defer th.Close()
		started <- th
		for range 2000 {
			_, e := th.Syscall(syscall.SYS_POLL, 0, 0, ^uintptr(0), 0, 0, 0)
			th.ClearKick()
			out <- e
		}
	}()
	th := <-started
	for i := range 2000 {
		if i%16 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
		th.Kick()
		select {
		case e := <-out:
			if e != syscall.EINTR {
				t.Fatalf("kick %d: %v", i, e)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("kick %d was lost", i)
		}
	}
}

// TestKickNeedsNoQueue kicks when the host has no room for another queued signal,
// as when another program of the user has filled the queue.
func TestKickNeedsNoQueue(t *testing.T) {
	space(t)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_SIGPENDING, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_SIGPENDING, &unix.Rlimit{Cur: 0, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_SIGPENDING, &old); err != nil {
			t.Error(err)
		}
	}()
	started, out := make(chan *Thread), make(chan ParkResult)
	go func() {
		th, err := NewThread(0)
		if err != nil {
			t.Error(err)
			close(started)
			return
		}
		defer th.Close()
		started <- th
		out <- th.Park(1, -1)
	}()
	th := <-started
	time.Sleep(10 * time.Millisecond) // most likely it sleeps now; a kick before is right, too
	th.Kick()
	select {
	case r := <-out:
		if r != ParkInterrupted {
			t.Errorf("after Kick: %v", r)
		}
	case <-time.After(5 * time.Second):
		th.Unpark()
		t.Errorf("the kick was lost: %v", <-out)
	}
}
