//go:build amd64

package host

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// EndingSignals are signals that end a program and that not every host has.
var EndingSignals = []os.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGXCPU, unix.SIGVTALRM}

// EndBy ends this process by a signal as the host's kernel does: Go's own handler prints
// stacks for some, and ignores others.
func EndBy(sig unix.Signal) {
	if rtSigaction(int(sig), new(sigactiont), nil) == nil && unix.Kill(unix.Getpid(), sig) == nil {
		time.Sleep(time.Second) // it may reach another thread
	}
}

// OnHangup has then called when the last duplicate of the other end of a process descriptor
// is closed.
func OnHangup(fd int, then func()) error {
	go func() {
		p := []unix.PollFd{{Fd: int32(fd)}}
		for p[0].Revents == 0 {
			if _, err := unix.Poll(p, -1); err != nil && err != unix.EINTR {
				break // nobody would tell when it is closed
			}
		}
		then()
	}()
	return nil
}
