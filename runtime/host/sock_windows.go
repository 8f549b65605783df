//go:build amd64

package host

import (
	"math"
	"syscall"

	"golang.org/x/sys/windows"
)

// Shutdown ends one or both directions of a connection. ENOTCONN when there is none.
func Shutdown(fd int, read, write bool) error {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return e
	case f.end != nil:
		if e := f.end.shutdown(read, write); e != 0 {
			return e
		}
		return nil
	}
	how := windows.SHUT_RDWR
	switch {
	case !write:
		how = windows.SHUT_RD
	case !read:
		how = windows.SHUT_WR
	}
	return errorOf(windows.Shutdown(f.h, how))
}

// socketOf is fileOf for sockets. ENOTSOCK for anything else.
func socketOf(fd int) (*file, syscall.Errno) {
	f, e := fileOf(fd)
	if e == 0 && !f.kind.Socket() {
		e = syscall.ENOTSOCK
	}
	return f, e
}

// Listen lets a socket that has a name accept connections. Local sockets have no names
// here: EDESTADDRREQ.
func Listen(fd int, backlog uint32) error {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind == KindDatagramSocket:
		return syscall.ENOTSUP
	case f.end != nil:
		return syscall.EDESTADDRREQ
	}
	return errorOf(windows.Listen(f.h, int(min(backlog, math.MaxInt32))))
}

// Bind is ENOTSUP: local sockets of this host are in no file system.
func (t *Thread) Bind(fd int, p *Place) syscall.Errno { return syscall.ENOTSUP }

// Connect is ECONNREFUSED: nobody listens where Bind gives no names.
func (t *Thread) Connect(m *Message, fd int, p *Place) syscall.Errno { return syscall.ECONNREFUSED }

// Accept takes a connection from a listening socket. It may block.
func (t *Thread) Accept(fd int) (int, syscall.Errno) {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return -1, e
	case f.end != nil:
		return -1, syscall.EINVAL
	}
	for {
		h, err := accept(f.h)
		if err == nil {
			conn, err := classify(h)
			if err != nil {
				_ = windows.Closesocket(h)
				return -1, errnoIn(err)
			}
			return newFD(conn), 0
		}
		if e := t.again(f, err, PollIn, f.messageFlags()); e != 0 {
			return -1, e
		}
	}
}

// again waits for what a socket was not ready for; other errors, and that one with
// MsgDontWait, it returns.
func (t *Thread) again(f *file, err error, want int16, flags MessageFlags) syscall.Errno {
	e := errnoIn(err)
	if e != syscall.EAGAIN || flags&MsgDontWait != 0 {
		return e
	}
	return t.awaitSocket(f.h, want, -1)
}

// SocketNames returns the addresses of a socket and of its peer.
func SocketNames(fd int) (own, peer Address, err error) {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return own, peer, e
	case f.end != nil:
		own.Family = FamilyLocal
		if f.end.hasPeer() {
			peer.Family = FamilyLocal
		}
		return own, peer, nil
	}
	if sa, err := windows.Getsockname(f.h); err == nil {
		own = addressOf(sa)
	} else if e := errnoIn(err); e != syscall.EINVAL { // which says that it has none yet
		return own, peer, e
	}
	if sa, err := windows.Getpeername(f.h); err == nil {
		peer = addressOf(sa)
	}
	return own, peer, nil
}

func addressOf(sa windows.Sockaddr) (a Address) {
	switch sa := sa.(type) {
	case *windows.SockaddrInet4:
		a.Family, a.Port = FamilyIPv4, uint16(sa.Port)
		copy(a.IP[:], sa.Addr[:])
	case *windows.SockaddrInet6:
		a.Family, a.Port, a.IP = FamilyIPv6, uint16(sa.Port), sa.Addr
	}
	return a
}

// TakeSocketError returns and clears the error that an operation in the background has
// left on a socket.
func TakeSocketError(fd int) (syscall.Errno, error) {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return 0, e
	case f.end != nil:
		return 0, nil
	}
	n, err := windows.GetsockoptInt(f.h, windows.SOL_SOCKET, soError)
	if err != nil {
		return 0, errorOf(err)
	}
	return errnoIn(syscall.Errno(n)), nil
}

// IsListening reports whether a socket accepts connections.
func IsListening(fd int) (bool, error) {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return false, e
	case f.end != nil:
		return false, nil
	}
	n, err := windows.GetsockoptInt(f.h, windows.SOL_SOCKET, soAcceptConn)
	return err == nil && n != 0, nil
}

// Options of winsock2.h that x/sys/windows does not name.
const (
	soAcceptConn = 0x0002
	soError      = 0x1007
	soType       = 0x1008
)

// socketKind tells whether a handle is a socket, and what kind of one.
func socketKind(h windows.Handle) (FileKind, bool) {
	typ, err := windows.GetsockoptInt(h, windows.SOL_SOCKET, soType)
	if err != nil || setNonblocking(h) != nil {
		return KindUnknown, false
	}
	switch typ {
	case windows.SOCK_STREAM:
		return KindStreamSocket, true
	case windows.SOCK_DGRAM:
		return KindDatagramSocket, true
	}
	return KindUnknown, false
}
