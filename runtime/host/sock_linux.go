//go:build amd64

package host

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketType is the host's number of a kind of socket.
func socketType(k FileKind) int {
	switch k {
	case KindDatagramSocket:
		return unix.SOCK_DGRAM
	case KindSeqpacketSocket:
		return unix.SOCK_SEQPACKET
	}
	return unix.SOCK_STREAM
}

// SocketPair creates two connected local sockets, closed on exec.
func SocketPair(k FileKind) (a, b int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, socketType(k)|unix.SOCK_CLOEXEC, 0)
	return p[0], p[1], err
}

// LocalSocket creates a local socket without a name, closed on exec.
func LocalSocket(k FileKind) (int, error) {
	return unix.Socket(unix.AF_UNIX, socketType(k)|unix.SOCK_CLOEXEC, 0)
}

// IsLocal reports whether a socket is a local one, which can carry descriptors.
func IsLocal(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

// Shutdown ends one or both directions of a connection. ENOTCONN when there is
// none; of a local socket Linux would not say so.
func Shutdown(fd int, read, write bool) error {
	how := unix.SHUT_RDWR
	switch {
	case !write:
		how = unix.SHUT_RD
	case !read:
		how = unix.SHUT_WR
	}
	if _, err := unix.Getpeername(fd); err == unix.ENOTCONN && IsLocal(fd) {
		if listening, _ := IsListening(fd); !listening {
			return syscall.ENOTCONN
		}
	}
	return unix.Shutdown(fd, how)
}

// Listen lets a socket that has a name accept connections. EDESTADDRREQ when a
// local one has none, for which Linux says EINVAL.
func Listen(fd int, backlog uint32) error {
	err := unix.Listen(fd, int(min(backlog, math.MaxInt32)))
	if err == unix.EINVAL {
		if _, peer := unix.Getpeername(fd); peer == unix.ENOTCONN {
			return syscall.EDESTADDRREQ
		}
	}
	return err
}

// Accept takes a connection from a listening socket, closed on exec. It may
// block.
func (t *Thread) Accept(fd int) (int, syscall.Errno) {
	conn, e := t.Syscall(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_CLOEXEC, 0, 0)
	return int(conn), e
}

// SocketNames returns the addresses of a socket and of its peer. A local
// connection that has ended in both directions has no peer any more; Linux would
// go on naming it.
func SocketNames(fd int) (own, peer Address, err error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return own, peer, err
	}
	own = addressOf(sa)
	if sa, err := unix.Getpeername(fd); err == nil && !(own.Family == FamilyLocal && hungUp(fd)) {
		peer = addressOf(sa)
	}
	return own, peer, nil
}

func hungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&unix.POLLHUP != 0
}

func addressOf(sa unix.Sockaddr) (a Address) {
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		a.Family = FamilyLocal
	case *unix.SockaddrInet4:
		a.Family, a.Port = FamilyIPv4, uint16(sa.Port)
		copy(a.IP[:], sa.Addr[:])
	case *unix.SockaddrInet6:
		a.Family, a.Port, a.IP = FamilyIPv6, uint16(sa.Port), sa.Addr
	}
	return a
}

// TakeSocketError returns and clears the error that an operation in the
// background has left on a socket.
func TakeSocketError(fd int) (syscall.Errno, error) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	return syscall.Errno(n), err
}

// IsListening reports whether a socket accepts connections.
func IsListening(fd int) (bool, error) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return n != 0, err
}
