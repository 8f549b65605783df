package kernel

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
)

// pathArg places a path and returns its two arguments.
func (s *sockTest) pathArg(path string) (addr, n uint64) {
	s.put(s.data, []byte(path))
	return s.data, uint64(len(path))
}

func (s *sockTest) socket(typ abi.Filetype) uint64 {
	s.Helper()
	return s.expectRaw(0, abi.CallFDCreate1, uint64(typ))
}

func (s *sockTest) bind(sock, dir uint64, path string) abi.Errno {
	addr, n := s.pathArg(path)
	_, e := s.raw(abi.CallSockBind, sock, dir, addr, n)
	return e
}

func (s *sockTest) connect(sock, dir uint64, path string) abi.Errno {
	addr, n := s.pathArg(path)
	_, e := s.raw(abi.CallSockConnect, sock, dir, addr, n)
	return e
}

func (s *sockTest) sockStat(fd uint64, flags abi.Ssflags) (st abi.Sockstat) {
	s.Helper()
	s.expectRaw(0, abi.CallSockStatGet, fd, s.sockstat, uint64(flags))
	st.Decode(s.get(s.sockstat, abi.SockstatSize))
	return st
}

const stream = abi.FiletypeSocketStream

// The life of a server and a client, for each type that has connections.
func TestSockConnections(t *testing.T) {
	notOnWindows(t, lacksLinks)
	dir := sockDir(t)
	onSockets(t, func(s *sockTest) {
		const dir = 0
		for _, typ := range []abi.Filetype{stream, abi.FiletypeSocketSeqpacket} {
			name := "sub/" + typ.String()
			server, client := s.socket(typ), s.socket(typ)
			if st := s.sockStat(server, 0); st != (abi.Sockstat{Sockname: abi.Sockaddr{Family: abi.AFUnix}}) {
				t.Errorf("new socket: %+v", st)
			}
			s.expectRaw(abi.EDESTADDRREQ, abi.CallSockListen, server, 1)
			if e := s.bind(server, dir, name); e != 0 {
				t.Errorf("bind: %v", e)
			}
			if e := s.bind(server, dir, name+"2"); e != abi.EINVAL {
				t.Errorf("second bind: %v", e)
			}
			if e := s.connect(client, dir, name); e != abi.ECONNREFUSED {
				t.Errorf("connect to one that does not listen: %v", e)
			}
			s.expectRaw(abi.EINVAL, abi.CallSockAccept, server, 0)
			s.expectRaw(0, abi.CallSockListen, server, 1<<32-1)
			if st := s.sockStat(server, 0); st.State != abi.SockstateAcceptconn {
				t.Errorf("listening socket: %+v", st)
			}
			s.nonblock(server)
			s.expectRaw(abi.EAGAIN, abi.CallSockAccept, server, 0)
			if e := s.connect(client, dir, name); e != 0 {
				t.Errorf("connect: %v", e)
			}
			if e := s.connect(client, dir, name); e != abi.EISCONN {
				t.Errorf("second connect: %v", e)
			}
			// What is wrong is found before the connection is taken.
			s.expectRaw(abi.EFAULT, abi.CallSockAccept, server, badAddr)
			conn := s.expectRaw(0, abi.CallSockAccept, server, s.sockstat)
			var st abi.Sockstat
			st.Decode(s.get(s.sockstat, abi.SockstatSize))
			local := abi.Sockaddr{Family: abi.AFUnix}
			if st != (abi.Sockstat{Sockname: local, Peername: local}) {
				t.Errorf("accepted: %+v", st)
			}
			if st := s.fdstat(conn); st.Filetype != typ || st.RightsBase != rightsSocket || st.RightsInheriting != rightsAll {
				t.Errorf("accepted: %+v", st)
			}
			s.send(client, "hi", server)
			m := s.want(conn, 9, 9, 0, "hi", 1, 0)
			s.close(m.fds...)
			s.close(server, client, conn)
		}
	}, Grant{HostFD: openPath(t, dir, os.O_RDONLY)})
}

// An accepted socket has no right that the listening one's inheriting rights lack.
func TestSockAcceptRights(t *testing.T) {
	notOnWindows(t, lacksLinks)
	dir := sockDir(t)
	onSockets(t, func(s *sockTest) {
		server, client := s.socket(stream), s.socket(stream)
		if s.bind(server, 0, "s") != 0 {
			t.Error("bind")
		}
		s.expectRaw(0, abi.CallSockListen, server, 5)
		s.restrict(server, abi.RightSockAccept, abi.RightFDRead|abi.RightSockShutdown|abi.RightFileOpen)
		if e := s.connect(client, 0, "s"); e != 0 {
			t.Errorf("connect: %v", e)
		}
		conn := s.expectRaw(0, abi.CallSockAccept, server, 0)
		st := s.fdstat(conn)
		if st.RightsBase != abi.RightFDRead|abi.RightSockShutdown || st.RightsInheriting != abi.RightFDRead|abi.RightSockShutdown|abi.RightFileOpen {
			t.Errorf("%+v", st)
		}
		s.restrict(server, 0, 0)
		s.expectRaw(abi.ENOTCAPABLE, abi.CallSockAccept, server, 0)
		s.expectRaw(abi.ENOTCAPABLE, abi.CallSockListen, server, 0)
		s.expectRaw(abi.ENOTCAPABLE, abi.CallSockStatGet, server, s.sockstat, 0)
		s.close(server, client, conn)
	}, Grant{HostFD: openPath(t, dir, os.O_RDONLY)})
}

// Paths of sock_bind and sock_connect, and that they do not lead out of the
// directory.
func TestSockPaths(t *testing.T) {
	notOnWindows(t, lacksLinks)
	dir := sockDir(t)
	outside, err := net.Listen("unix", filepath.Join(filepath.Dir(dir), "outside"))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	onSockets(t, func(s *sockTest) {
		const dir, file = 0, 1
		long := strings.Repeat("n", 80)
		for _, tt := range []struct {
			path          string
			bind, connect abi.Errno
		}{
			{"", abi.ENOENT, abi.ENOENT},
			{"none/sock", abi.ENOENT, abi.ENOENT},
			{"file", abi.EADDRINUSE, abi.ECONNREFUSED},
			{"file/sock", abi.ENOTDIR, abi.ENOTDIR},
			{"sub/none/", abi.ENOENT, abi.ENOENT},
			{".", abi.EADDRINUSE, abi.ECONNREFUSED},
			{"..", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"sub/..", abi.EADDRINUSE, abi.ECONNREFUSED},
			{"../outside", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"sub/../../outside", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"up/outside", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"abs/outside", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"/tmp/outside", abi.ENOTCAPABLE, abi.ENOTCAPABLE},
			{"tooutside", abi.EADDRINUSE, abi.ENOTCAPABLE}, // bind follows no link at the end
			{"zero\x00byte", abi.EILSEQ, abi.EILSEQ},
			{long + long, abi.ENAMETOOLONG, abi.ENOENT},
			{strings.Repeat("x", 256), abi.ENAMETOOLONG, abi.ENAMETOOLONG},
			{strings.Repeat("x/", 2047), abi.ENOENT, abi.ENOENT},
			{"sub/sock", 0, 0},
			{"in/../sub/sock", abi.EADDRINUSE, 0},
			{"tosock", abi.EADDRINUSE, 0},
			{"in/" + long, 0, 0},
		} {
			server, client := s.socket(stream), s.socket(stream)
			if e := s.bind(server, dir, tt.path); e != tt.bind {
				t.Errorf("bind %q: %v, want %v", tt.path, e, tt.bind)
			} else if e == 0 {
				s.expectRaw(0, abi.CallSockListen, server, 5)
				defer s.close(server) // for the rows that follow
			}
			if e := s.connect(client, dir, tt.path); e != tt.connect {
				t.Errorf("connect %q: %v, want %v", tt.path, e, tt.connect)
			}
			s.close(client)
			if tt.bind != 0 {
				s.close(server)
			}
		}
		sock := s.socket(stream)
		addr, _ := s.pathArg("x")
		for _, c := range []abi.Call{abi.CallSockBind, abi.CallSockConnect} {
			s.expectRaw(abi.ENAMETOOLONG, c, sock, dir, addr, 4096)
			s.expectRaw(abi.ENAMETOOLONG, c, sock, dir, addr, ^uint64(0))
			s.expectRaw(abi.EFAULT, c, sock, dir, badAddr, 5)
			s.expectRaw(abi.EBADF, c, 77, dir, addr, 1)
			s.expectRaw(abi.EBADF, c, sock, 77, addr, 1)
			s.expectRaw(abi.ENOTCAPABLE, c, dir, dir, addr, 1)
			s.expectRaw(abi.ENOTCAPABLE, c, sock, sock, addr, 1)
			s.expectRaw(abi.ENOTCAPABLE, c, sock, file, addr, 1)
		}
		s.restrict(sock, rightsSocket&^(abi.RightSockBindSocket|abi.RightSockConnectSocket), 0)
		for _, c := range []abi.Call{abi.CallSockBind, abi.CallSockConnect} {
			s.expectRaw(abi.ENOTCAPABLE, c, sock, dir, addr, 1)
		}
		s.close(sock)
	}, Grant{HostFD: openPath(t, dir, os.O_RDONLY)}, Grant{HostFD: openFile(t, os.O_RDWR)})
}

func TestSockStat(t *testing.T) {
	notOnWindows(t, "package net has no files of sockets there")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	raw, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	port := uint16(tcp.Addr().(*net.TCPAddr).Port)
	dir := sockDir(t)
	out, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	onSockets(t, func(s *sockTest) {
		const listener, dir = 0, 1
		own := abi.Sockaddr{Family: abi.AFInet, Addr: [16]byte{127, 0, 0, 1}, Port: port}
		if st := s.sockStat(listener, 0); st != (abi.Sockstat{Sockname: own, State: abi.SockstateAcceptconn}) {
			t.Errorf("listener: %+v", st)
		}
		conn := s.expectRaw(0, abi.CallSockAccept, listener, s.sockstat)
		var st abi.Sockstat
		st.Decode(s.get(s.sockstat, abi.SockstatSize))
		peer := abi.Sockaddr{Family: abi.AFInet, Addr: [16]byte{127, 0, 0, 1}, Port: uint16(out.LocalAddr().(*net.TCPAddr).Port)}
		if st != (abi.Sockstat{Sockname: own, Peername: peer}) || st != s.sockStat(conn, 0) {
			t.Errorf("connection: %+v, peer is %v", st, out.LocalAddr())
		}
		// Descriptors cannot go over the internet, and are not lost in silence.
		if _, e := s.trySend(conn, "x", 0, conn); e != abi.EINVAL {
			t.Errorf("descriptor over TCP: %v", e)
		}
		s.send(conn, "hello")
		b := make([]byte, 5)
		if _, err := out.Read(b); err != nil || string(b) != "hello" {
			t.Errorf("read %q, %v", b, err)
		}
		if _, err := out.Write([]byte("world")); err != nil {
			t.Error(err)
		}
		s.want(conn, 5, 3, abi.SockRecvWaitall, "world", 0, 0)

		// A connection that was never accepted has an error, which is told once.
		server, client := s.socket(stream), s.socket(stream)
		if s.bind(server, dir, "s") != 0 {
			t.Error("bind")
		}
		s.expectRaw(0, abi.CallSockListen, server, 0)
		if e := s.connect(client, dir, "s"); e != 0 {
			t.Error(e)
		}
		if st := s.sockStat(client, abi.SockstatClearError); st.Error != 0 {
			t.Errorf("%+v", st)
		}
		s.close(server)
		if st := s.sockStat(client, 0); st.Error != 0 {
			t.Errorf("%+v", st)
		}
		if st := s.sockStat(client, abi.SockstatClearError); st.Error != abi.ECONNRESET {
			t.Errorf("%+v", st)
		}
		if st := s.sockStat(client, abi.SockstatClearError); st.Error != 0 || st.Peername != (abi.Sockaddr{}) {
			t.Errorf("%+v", st)
		}
		s.expectRaw(abi.EINVAL, abi.CallSockStatGet, client, s.sockstat, 2)
		s.expectRaw(abi.EFAULT, abi.CallSockStatGet, client, badAddr, 1)
		s.expectRaw(abi.EBADF, abi.CallSockStatGet, 77, s.sockstat, 0)
		s.expectRaw(abi.EBADF, abi.CallSockAccept, 77, 0)
		s.expectRaw(abi.EBADF, abi.CallSockListen, 77, 0)
		a, c := s.pair(stream)
		s.expectRaw(abi.EINVAL, abi.CallSockListen, a, 0)
		s.expectRaw(abi.EINVAL, abi.CallSockAccept, a, 0)
		d, e := s.pair(abi.FiletypeSocketDgram)
		s.expectRaw(abi.ENOTSUP, abi.CallSockListen, d, 0)
		s.expectRaw(abi.ENOTSUP, abi.CallSockAccept, d, 0)
		s.close(a, c, d, e, conn, client)
	}, Grant{HostFD: int(raw.Fd())}, Grant{HostFD: openPath(t, dir, os.O_RDONLY)})
}
