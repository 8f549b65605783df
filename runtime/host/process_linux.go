//go:build amd64

package host

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processName begins the name, in the abstract namespace, of every holder's end.
// It tells process descriptors from other sockets wherever they arrive. A guest
// cannot bind such a name.
const processName = "@cabitrans process "

// NewProcessPair makes the two ends of a process descriptor, closed on exec.
func NewProcessPair() (holder, child int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	if err := unix.Bind(p[0], &unix.SockaddrUnix{Name: processName + hex.EncodeToString(id[:])}); err != nil {
		_, _ = unix.Close(p[0]), unix.Close(p[1])
		return -1, -1, err
	}
	return p[0], p[1], nil
}

// isProcess reports whether fd, a sequenced-packet socket, is a holder's end.
func isProcess(fd int) bool {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	u, ok := sa.(*unix.SockaddrUnix)
	return ok && strings.HasPrefix(u.Name, processName)
}

// continueFD is the descriptor number at which a program that StartSelf has started
// finds its end.
const continueFD = 3

// Continued returns the child's end, in such a program.
func Continued() (fd int, err error) {
	unix.CloseOnExec(continueFD)
	return continueFD, nil
}

// StartSelf starts this program anew with child at continueFD and the standard
// descriptors as they are. The new process's end is seen to in the background.
func StartSelf(child int) error {
	env := append(os.Environ(), ContinueEnv+"=1")
	name := "cabitrans" // if this program was started without any
	if len(os.Args) > 0 {
		name = os.Args[0]
	}
	pidfd := -1
	pid, err := syscall.ForkExec("/proc/self/exe", []string{name}, &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{0, 1, 2, uintptr(child)},
		Sys:   &syscall.SysProcAttr{PidFD: &pidfd},
	})
	if err != nil {
		return fmt.Errorf("cannot start this program anew for a forked process: %w", err)
	}
	go reap(pid, pidfd)
	return nil
}

// reap waits for a child process, so that nothing is left of it. With a process
// descriptor of the host's the wait takes no thread.
func reap(pid, pidfd int) {
	if pidfd < 0 || unix.SetNonblock(pidfd, true) != nil {
		_, _ = unix.Wait4(pid, nil, 0, nil)
		return
	}
	f := os.NewFile(uintptr(pidfd), "child process")
	defer f.Close()
	c, err := f.SyscallConn()
	if err == nil {
		err = c.Read(func(fd uintptr) bool {
			var info unix.Siginfo
			return unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOHANG, nil) != nil || info.Signo != 0
		})
	}
	if err != nil {
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
}

// SendMessage sends msg, at most maxMessage bytes, and any number of descriptors
// from one end of a process descriptor to the other.
func SendMessage(fd int, msg []byte, fds []int) error {
	for len(fds) > maxMessageFDs {
		if err := send(fd, nil, fds[:maxMessageFDs]); err != nil {
			return err
		}
		fds = fds[maxMessageFDs:]
	}
	return send(fd, msg, fds)
}

// send sends one message; one that has to be continued has only the byte 0.
func send(fd int, msg []byte, fds []int) error {
	if msg == nil {
		msg = []byte{0}
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		err := unix.Sendmsg(fd, msg, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// ReceiveMessage receives what SendMessage sent; io.EOF when the other end is
// gone. The descriptors are closed on exec.
func ReceiveMessage(fd int) (msg []byte, fds []int, err error) {
	b, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxMessageFDs))
	for {
		n, oobn, flags, _, err := unix.Recvmsg(fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, fds, err
		case n == 0:
			return nil, fds, io.EOF
		case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
			return nil, fds, errors.New("a message between processes was cut off; is the limit of open files reached?")
		}
		got, err := parseRights(oob[:oobn])
		fds = append(fds, got...)
		if err != nil || n != 1 || b[0] != 0 {
			return b[:n], fds, err
		}
	}
}

func parseRights(oob []byte) (fds []int, err error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			return fds, err
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// AwaitMessage waits, on a guest thread, until a message has come to fd; EINTR
// when the thread is kicked.
func (t *Thread) AwaitMessage(fd int) syscall.Errno {
	_, e := t.Poll([]PollFD{{FD: int32(fd), Events: PollIn}}, -1)
	return e
}

// KillOnHangup makes the host kernel end this process, by SIGKILL, when the last
// duplicate of the holder's end of fd is closed. Nobody sends to fd any more.
func KillOnHangup(fd int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETOWN, unix.Getpid()); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_ASYNC); err != nil {
		return err
	}
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(p, 0); err == nil && n > 0 && p[0].Revents&unix.POLLHUP != 0 {
		return unix.Kill(unix.Getpid(), unix.SIGKILL) // it was closed before
	}
	return nil
}

// SendEnd leaves a process's status for whoever holds its descriptor.
func SendEnd(fd int, s End) error { return send(fd, s.encode(), nil) }

// PeekEnd returns the status that the process behind a holder's end has left,
// and false while it lives. One that is gone without was killed: Killed is true.
func PeekEnd(fd int) (s End, killed, ended bool) {
	b := make([]byte, maxMessage)
	n, _, err := unix.Recvfrom(fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return s, false, false
	case err != nil || n == 0:
		return s, true, true
	}
	s, ok := decodeEnd(b[:n])
	return s, !ok, true
}

// NameFD is the path that a descriptor was opened by, as far as the host knows.
func NameFD(fd int) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return fmt.Sprintf("descriptor %d", fd)
	}
	return name
}

// KillSelf ends this process at once, as when its last descriptor is closed.
func KillSelf() { _ = unix.Kill(unix.Getpid(), unix.SIGKILL) }
