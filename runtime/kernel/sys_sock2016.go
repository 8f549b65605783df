package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// This file: the socket calls that only the ABI of 2016 has. Later programs get
// their connections from outside.

// newSocket creates an unnamed local socket for fd_create1.
func (t *Thread) newSocket(kind host.FileKind, typ abi.Filetype) (r0, r1 uint64, e abi.Errno) {
	hfd, err := host.LocalSocket(kind)
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	fd, e := t.proc.fds.insert(newObject(hfd, kind, typ), rightsSocket, rightsAll)
	return uint64(fd), 0, e
}

// socketKind returns the host's kind of a guest's type of socket.
func socketKind(typ abi.Filetype) (host.FileKind, bool) {
	switch typ {
	case abi.FiletypeSocketStream:
		return host.KindStreamSocket, true
	case abi.FiletypeSocketDgram:
		return host.KindDatagramSocket, true
	case abi.FiletypeSocketSeqpacket:
		return host.KindSeqpacketSocket, true
	}
	return host.KindUnknown, false
}

// sockAccept takes a connection. Its rights are those of a socket, as far as the
// listening descriptor's inheriting rights contain them.
func sockAccept(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, e := t.enter(abi.FD(a[0]), abi.RightSockAccept)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	en := t.proc.fds.peek(abi.FD(a[0]))
	if en == nil || en.obj != o {
		return 0, 0, abi.EBADF // closed or replaced a moment ago
	}
	buf := a[1] // 0: the caller does not want to know
	if buf != 0 {
		if err := t.proc.mem.Check(buf, abi.SockstatSize, true); err != nil {
			return 0, 0, toErrno(err)
		}
	}
	conn, he := t.Host.Accept(o.fd)
	for t.interrupted(he) {
		conn, he = t.Host.Accept(o.fd)
	}
	if he != 0 {
		return 0, 0, t.blocked(he)
	}
	fd, e := t.proc.fds.insert(newObject(conn, o.kind, o.typ), rightsSocket&en.inheriting, rightsAll&en.inheriting)
	if e != 0 || buf == 0 {
		return uint64(fd), 0, e
	}
	st, e := sockstat(conn)
	if e == 0 {
		e = t.putSockstat(buf, &st)
	}
	if e != 0 {
		_ = t.proc.fds.close(fd) // nobody has been told the number
		return 0, 0, e
	}
	return uint64(fd), 0, 0
}

func (t *Thread) putSockstat(addr uint64, st *abi.Sockstat) abi.Errno {
	st.Encode(t.buf[:])
	return toErrno(t.proc.mem.CopyOut(addr, t.buf[:abi.SockstatSize]))
}

// sockstat finds out everything about a socket but its error.
func sockstat(fd int) (st abi.Sockstat, e abi.Errno) {
	own, peer, err := host.SocketNames(fd)
	if err != nil {
		return st, errnoOf(err)
	}
	listening, err := host.IsListening(fd)
	if err != nil {
		return st, errnoOf(err)
	}
	st.Sockname, st.Peername = sockaddr(own), sockaddr(peer)
	if listening {
		st.State = abi.SockstateAcceptconn
	}
	return st, 0
}

func sockaddr(a host.Address) abi.Sockaddr {
	s := abi.Sockaddr{Addr: a.IP, Port: a.Port}
	switch a.Family {
	case host.FamilyLocal:
		s.Family = abi.AFUnix
	case host.FamilyIPv4:
		s.Family = abi.AFInet
	case host.FamilyIPv6:
		s.Family = abi.AFInet6
	}
	return s
}

// sockStatGet shows a socket's error only if it is to be cleared: the host cannot
// tell it otherwise.
func sockStatGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	flags := abi.Ssflags(a[2])
	if flags&^abi.SockstatClearError != 0 {
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightSockStatGet)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	if err := t.proc.mem.Check(a[1], abi.SockstatSize, true); err != nil {
		return 0, 0, toErrno(err)
	}
	st, e := sockstat(o.fd)
	if e != 0 {
		return 0, 0, e
	}
	if flags&abi.SockstatClearError != 0 {
		he, err := host.TakeSocketError(o.fd)
		if err != nil {
			return 0, 0, errnoOf(err)
		}
		st.Error = fromHost(he)
	}
	return 0, 0, t.putSockstat(a[1], &st)
}

func sockListen(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightSockListen)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	return 0, 0, errnoOf(host.Listen(o.fd, uint32(a[1])))
}

func sockBind(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	e = t.socketAt(a, abi.RightSockBindSocket, abi.RightSockBindDirectory, false, t.Host.Bind)
	return 0, 0, e
}

func sockConnect(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	e = t.socketAt(a, abi.RightSockConnectSocket, abi.RightSockConnectDirectory, true,
		func(fd int, p *host.Place) syscall.Errno { return t.Host.Connect(&t.msg, fd, p) })
	return 0, 0, e
}

// socketAt makes a host call on a socket and the place that a path leads to.
func (t *Thread) socketAt(a *[8]uint64, ofSocket, ofDir abi.Rights, follow bool,
	do func(int, *host.Place) syscall.Errno) abi.Errno {
	path, e := t.path(0, a[2], a[3])
	if e != 0 {
		return e
	}
	sock, e := t.enter(abi.FD(a[0]), ofSocket)
	if e != 0 {
		return e
	}
	defer t.leave(sock)
	dir, e := t.proc.fds.get(abi.FD(a[1]), ofDir)
	if e != 0 {
		return e
	}
	defer dir.release()
	return t.at(dir, path, follow, func(p *host.Place) syscall.Errno { return do(sock.fd, p) })
}
