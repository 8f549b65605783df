package kernel

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A sockTest makes socket calls for a test, on one thread.
type sockTest struct {
	*fixture
	th             *Thread
	in, out, n     uint64
	data, fds      uint64 // a page for data, room for descriptors
	pairN          uint64
	stat, sockstat uint64
}

func newSockTest(f *fixture, th *Thread) *sockTest {
	p := f.pages(2)
	return &sockTest{fixture: f, th: th, in: p, out: p + 64, n: p + 128, pairN: p + 136, stat: p + 160, sockstat: p + 192,
		fds: p + 1024, data: f.pages(1)}
}

func (s *sockTest) put(addr uint64, b []byte) {
	if err := s.mem.CopyOut(addr, b); err != nil {
		s.Error(err)
	}
}

// pair makes a pair of connected sockets.
func (s *sockTest) pair(typ abi.Filetype) (a, b uint64) {
	s.Helper()
	s.expect(s.th, 0, abi.CallFDCreate2, uint64(typ), s.pairN, s.pairN+4)
	return uint64(s.get32(s.pairN)), uint64(s.get32(s.pairN + 4))
}

// vector places one buffer, and returns the address of the array.
func (s *sockTest) vector(addr, n uint64) uint64 {
	b := make([]byte, abi.IovecSize)
	(&abi.Iovec{Buf: addr, Len: n}).Encode(b)
	s.put(s.in+40, b) // behind the RecvIn
	return s.in + 40
}

func (s *sockTest) numbers(fds ...uint64) {
	b := make([]byte, 4*len(fds))
	for i, fd := range fds {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(fd))
	}
	s.put(s.fds, b)
}

func (s *sockTest) trySend(fd uint64, data string, flags abi.Siflags, fds ...uint64) (uint64, abi.Errno) {
	s.put(s.data, []byte(data))
	s.numbers(fds...)
	b := make([]byte, abi.SendInSize)
	in := abi.SendIn{Data: s.vector(s.data, uint64(len(data))), DataLen: 1, FDs: s.fds, FDsLen: uint64(len(fds)), Flags: flags}
	in.Encode(b)
	s.put(s.in, b)
	o := call(s.th, abi.CallSockSend, fd, s.in, s.out)
	return s.get64(s.out), o.Errno
}

func (s *sockTest) send(fd uint64, data string, fds ...uint64) {
	s.Helper()
	if n, e := s.trySend(fd, data, 0, fds...); e != 0 || n != uint64(len(data)) {
		s.Errorf("send of %d bytes and %d descriptors: %d, %v", len(data), len(fds), n, e)
	}
}

// A message is what sock_recv has brought.
type message struct {
	data  string
	flags abi.Roflags
	fds   []uint64
}

func (s *sockTest) tryRecv(fd, room, fdRoom uint64, flags abi.Riflags) (m message, e abi.Errno) {
	b := make([]byte, abi.RecvInSize)
	in := abi.RecvIn{Data: s.vector(s.data, room), DataLen: 1, FDs: s.fds, FDsLen: fdRoom, Flags: flags}
	in.Encode(b)
	s.put(s.in, b)
	if o := call(s.th, abi.CallSockRecv, fd, s.in, s.out); o.Errno != 0 {
		return m, o.Errno
	}
	var out abi.RecvOut
	out.Decode(s.get(s.out, abi.RecvOutSize))
	m.data, m.flags = string(s.get(s.data, int(out.Datalen))), out.Flags
	for i := range out.FDslen {
		m.fds = append(m.fds, uint64(s.get32(s.fds+4*i)))
	}
	return m, 0
}

func (s *sockTest) recv(fd, room, fdRoom uint64, flags abi.Riflags) message {
	s.Helper()
	m, e := s.tryRecv(fd, room, fdRoom, flags)
	if e != 0 {
		s.Errorf("recv: %v", e)
	}
	return m
}

// want receives and checks everything but the numbers of descriptors.
func (s *sockTest) want(fd, room, fdRoom uint64, flags abi.Riflags, data string, nfds int, got abi.Roflags) message {
	s.Helper()
	m := s.recv(fd, room, fdRoom, flags)
	if m.data != data || len(m.fds) != nfds || m.flags != got {
		s.Errorf("received %q, %d descriptors, %v; want %q, %d, %v", m.data, len(m.fds), m.flags, data, nfds, got)
	}
	return m
}

func (s *sockTest) fdstat(fd uint64) (st abi.Fdstat) {
	s.Helper()
	s.expectRaw(0, abi.CallFDStatGet, fd, s.stat)
	st.Decode(s.get(s.stat, abi.FdstatSize))
	return st
}

func (s *sockTest) restrict(fd uint64, base, inheriting abi.Rights) {
	s.Helper()
	b := make([]byte, abi.FdstatSize)
	(&abi.Fdstat{RightsBase: base, RightsInheriting: inheriting}).Encode(b)
	s.put(s.stat, b)
	s.expect(s.th, 0, abi.CallFDStatPut, fd, s.stat, uint64(abi.FdsflagRights))
}

func (s *sockTest) nonblock(fd uint64) {
	s.Helper()
	b := make([]byte, abi.FdstatSize)
	(&abi.Fdstat{Flags: abi.FdflagNonblock}).Encode(b)
	s.put(s.stat, b)
	s.expect(s.th, 0, abi.CallFDStatPut, fd, s.stat, uint64(abi.FdsflagFlags))
}

func (s *sockTest) close(fds ...uint64) {
	s.Helper()
	for _, fd := range fds {
		s.expect(s.th, 0, abi.CallFDClose, fd)
	}
}

// raw makes a raw call, again after a kick.
func (s *sockTest) raw(c abi.Call, args ...uint64) (uint64, abi.Errno) {
	var a [8]uint64
	copy(a[:], args)
	for {
		r0, _, o := s.th.CallRaw(uint64(c.Info().Num2016), &a)
		if o.Action != ActionRestart {
			return r0, o.Errno
		}
		s.th.Host.ClearKick()
	}
}

func (s *sockTest) expectRaw(want abi.Errno, c abi.Call, args ...uint64) uint64 {
	s.Helper()
	r0, e := s.raw(c, args...)
	if e != want {
		s.Errorf("raw %v(%#x) = %v, want %v", c, args, e, want)
	}
	return r0
}

// onSockets runs a test of socket calls, and checks that it leaves no host
// descriptor behind.
func onSockets(t *testing.T, do func(s *sockTest), grants ...Grant) {
	t.Helper()
	f := newFixture(t, grants...)
	if runtime.GOOS == "windows" { // nothing lists handles; Wine's own descriptors come and go
		f.run(func(th *Thread) { do(newSockTest(f, th)) })
		return
	}
	_ = classifyOnce(t)
	before := openFDs(t)
	f.run(func(th *Thread) { do(newSockTest(f, th)) })
	f.p.fds.closeAll()
	if after := openFDs(t); after != before-len(grants) {
		t.Errorf("%d host descriptors are open, %d before", after, before-len(grants))
	}
}

// classifyOnce makes what the host leaf does once be done.
func classifyOnce(t testing.TB) class {
	t.Helper()
	fd, err := host.NewSharedObject("test")
	if err != nil {
		t.Fatal(err)
	}
	defer host.CloseFD(fd)
	c, err := classify(fd)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openFDs(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestSockSendRecv(t *testing.T) {
	onSockets(t, func(s *sockTest) {
		for _, typ := range []abi.Filetype{abi.FiletypeSocketStream, abi.FiletypeSocketDgram, abi.FiletypeSocketSeqpacket} {
			a, b := s.pair(typ)
			if st := s.fdstat(b); st.Filetype != typ {
				t.Errorf("type %v, want %v", st.Filetype, typ)
			}
			s.send(a, "hello")
			s.want(b, 4, 0, abi.SockRecvPeek, "hell", 0, map[abi.Filetype]abi.Roflags{
				abi.FiletypeSocketDgram: abi.SockRecvDataTruncated, abi.FiletypeSocketSeqpacket: abi.SockRecvDataTruncated}[typ])
			s.want(b, 16, 0, 0, "hello", 0, 0)
			s.send(b, "back")
			if typ == abi.FiletypeSocketStream {
				s.want(a, 2, 5, 0, "ba", 0, 0)
				s.want(a, 2, 5, 0, "ck", 0, 0)
			} else {
				s.want(a, 2, 5, 0, "ba", 0, abi.SockRecvDataTruncated)
			}
			s.send(a, "x", b)
			m := s.want(b, 16, 5, 0, "x", 1, 0)
			s.send(m.fds[0], "y")
			s.want(a, 16, 5, 0, "y", 0, 0)
			s.close(a, b, m.fds[0])
		}
	})
}

// Errors of the three calls, one by one.
func TestSockErrors(t *testing.T) {
	file := openFile(t, os.O_RDWR)
	onSockets(t, func(s *sockTest) {
		a, b := s.pair(abi.FiletypeSocketStream)
		gone, peer := s.pair(abi.FiletypeSocketStream)
		s.close(peer)
		idle, idlePeer := s.pair(abi.FiletypeSocketStream)
		s.nonblock(idle)
		lone := s.expectRaw(0, abi.CallFDCreate1, uint64(abi.FiletypeSocketStream))
		loneDgram := s.expectRaw(0, abi.CallFDCreate1, uint64(abi.FiletypeSocketDgram))
		da, db := s.pair(abi.FiletypeSocketDgram)
		deaf, mute := s.pair(abi.FiletypeSocketStream)
		s.restrict(deaf, rightsSocket&^(abi.RightFDRead|abi.RightSockShutdown), 0)
		s.restrict(mute, rightsSocket&^abi.RightFDWrite, 0)
		ro := s.pages(1)
		if err := s.mem.Protect(ro, abi.PageSize, abi.ProtRead); err != nil {
			t.Error(err)
		}
		const file = 0
		big := strings.Repeat("x", abi.PageSize)
		one := s.vector(s.data, 1)
		send := func(fd uint64, in abi.SendIn) abi.Errno {
			b := make([]byte, abi.SendInSize)
			in.Encode(b)
			s.put(s.in, b)
			return call(s.th, abi.CallSockSend, fd, s.in, s.out).Errno
		}
		recv := func(fd uint64, in abi.RecvIn) abi.Errno {
			b := make([]byte, abi.RecvInSize)
			in.Encode(b)
			s.put(s.in, b)
			return call(s.th, abi.CallSockRecv, fd, s.in, s.out).Errno
		}
		str := func(fd uint64, data string, fds ...uint64) abi.Errno {
			_, e := s.trySend(fd, data, 0, fds...)
			one = s.vector(s.data, 1)
			return e
		}
		s.send(a, "waiting")
		one = s.vector(s.data, 1)
		for _, tt := range []struct {
			name string
			want abi.Errno
			got  abi.Errno
		}{
			{"send, no descriptor", abi.EBADF, send(77, abi.SendIn{Data: one, DataLen: 1})},
			{"send, file", abi.ENOTSOCK, send(file, abi.SendIn{Data: one, DataLen: 1})},
			{"send, file, descriptors", abi.ENOTSOCK, str(file, "x", a)},
			{"send, no right", abi.ENOTCAPABLE, send(mute, abi.SendIn{Data: one, DataLen: 1})},
			{"send, flags", abi.EINVAL, send(a, abi.SendIn{Data: one, DataLen: 1, Flags: 0x8000})},
			{"send, end of record", 0, send(a, abi.SendIn{Data: one, DataLen: 1, Flags: abi.Siflags(abi.MsgEor)})},
			{"send, argument not mapped", abi.EFAULT, call(s.th, abi.CallSockSend, a, badAddr, s.out).Errno},
			{"send, result not mapped", abi.EFAULT, call(s.th, abi.CallSockSend, a, s.in, badAddr).Errno},
			{"send, result read-only", abi.EFAULT, call(s.th, abi.CallSockSend, a, s.in, ro).Errno},
			{"send, array not mapped", abi.EFAULT, send(a, abi.SendIn{Data: badAddr, DataLen: 1})},
			{"send, array wraps", abi.EFAULT, send(a, abi.SendIn{Data: ^uint64(15), DataLen: 2})},
			{"send, too many buffers", abi.EINVAL, send(a, abi.SendIn{Data: one, DataLen: 1 << 63})},
			{"send, buffer not mapped", abi.EFAULT, send(a, abi.SendIn{Data: s.vector(badAddr, 1), DataLen: 1})},
			{"send, buffer of 2^63", abi.EINVAL, send(a, abi.SendIn{Data: s.vector(s.data, 1<<63), DataLen: 1})},
			{"send, descriptors not mapped", abi.EFAULT, send(a, abi.SendIn{Data: s.vector(s.data, 1), DataLen: 1, FDs: badAddr, FDsLen: 1})},
			{"send, 253 descriptors", abi.EINVAL, send(a, abi.SendIn{Data: one, DataLen: 1, FDs: s.fds, FDsLen: 253})},
			{"send, 2^64-1 descriptors", abi.EINVAL, send(a, abi.SendIn{Data: one, DataLen: 1, FDs: s.fds, FDsLen: ^uint64(0)})},
			{"send, bad descriptor", abi.EBADF, str(a, "x", b, 77)},
			{"send, descriptors without data", abi.EMSGSIZE, str(a, "", b)},
			{"send, no data", 0, str(a, "")},
			{"send, peer gone", abi.EPIPE, str(gone, "x")},
			{"send, peer gone, fd_write", abi.EPIPE, call(s.th, abi.CallFDWrite, gone, one, 1, s.n).Errno},
			{"send, not connected", abi.ENOTCONN, str(lone, "x")},
			{"send, datagram, not connected", abi.ENOTCONN, str(loneDgram, "x")},
			{"recv, no descriptor", abi.EBADF, recv(77, abi.RecvIn{Data: one, DataLen: 1})},
			{"recv, file", abi.ENOTSOCK, recv(file, abi.RecvIn{Data: one, DataLen: 1})},
			{"recv, no right", abi.ENOTCAPABLE, recv(deaf, abi.RecvIn{Data: one, DataLen: 1})},
			{"recv, argument not mapped", abi.EFAULT, call(s.th, abi.CallSockRecv, b, badAddr, s.out).Errno},
			{"recv, result not mapped", abi.EFAULT, call(s.th, abi.CallSockRecv, b, s.in, badAddr).Errno},
			{"recv, result read-only", abi.EFAULT, call(s.th, abi.CallSockRecv, b, s.in, ro).Errno},
			{"recv, flags", abi.EINVAL, recv(b, abi.RecvIn{Data: one, DataLen: 1, Flags: 1})},
			{"recv, array not mapped", abi.EFAULT, recv(b, abi.RecvIn{Data: badAddr, DataLen: 1})},
			{"recv, too many buffers", abi.EINVAL, recv(b, abi.RecvIn{Data: one, DataLen: 1025})},
			{"recv, buffer not mapped", abi.EFAULT, recv(b, abi.RecvIn{Data: s.vector(badAddr, 1), DataLen: 1})},
			{"recv, buffer read-only", abi.EFAULT, recv(b, abi.RecvIn{Data: s.vector(ro, 1), DataLen: 1})},
			{"recv, room not mapped", abi.EFAULT, recv(b, abi.RecvIn{Data: s.vector(s.data, 1), DataLen: 1, FDs: badAddr, FDsLen: 1})},
			{"recv, room read-only", abi.EFAULT, recv(b, abi.RecvIn{Data: one, DataLen: 1, FDs: ro, FDsLen: 1})},
			{"recv, room of 2^64-1", 0, recv(b, abi.RecvIn{Data: one, DataLen: 1, FDs: s.fds, FDsLen: ^uint64(0)})},
			{"recv, nothing there", abi.EAGAIN, recv(idle, abi.RecvIn{Data: one, DataLen: 1})},
			{"recv, nothing there, all of it", abi.EAGAIN, recv(idle, abi.RecvIn{Data: one, DataLen: 1, Flags: abi.SockRecvWaitall})},
			{"recv, nothing there, fd_read", abi.EAGAIN, call(s.th, abi.CallFDRead, idle, one, 1, s.n).Errno},
			{"recv, nothing there, no room", 0, recv(idle, abi.RecvIn{Data: s.vector(0, 0), DataLen: 1})},
			{"recv, nothing there, room for descriptors only", 0, recv(idle, abi.RecvIn{FDs: s.fds, FDsLen: 1})},
			{"recv, peer gone", 0, recv(gone, abi.RecvIn{Data: s.vector(s.data, 1), DataLen: 1})},
			{"recv, not connected", abi.ENOTCONN, recv(lone, abi.RecvIn{Data: one, DataLen: 1})},
			{"recv, not connected, fd_read", abi.ENOTCONN, call(s.th, abi.CallFDRead, lone, one, 1, s.n).Errno},
			{"shutdown, no descriptor", abi.EBADF, call(s.th, abi.CallSockShutdown, 77, 1).Errno},
			{"shutdown, nothing", abi.EINVAL, call(s.th, abi.CallSockShutdown, a, 0).Errno},
			{"shutdown, unknown", abi.EINVAL, call(s.th, abi.CallSockShutdown, a, 5).Errno},
			{"shutdown, no right", abi.ENOTCAPABLE, call(s.th, abi.CallSockShutdown, deaf, 1).Errno},
			{"shutdown, file", abi.ENOTCAPABLE, call(s.th, abi.CallSockShutdown, file, 1).Errno},
			{"shutdown, not connected", abi.ENOTCONN, call(s.th, abi.CallSockShutdown, lone, 3).Errno},
		} {
			if tt.got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
			}
		}
		// A datagram longer than the socket can hold.
		huge := make([]abi.Iovec, 1024)
		for i := range huge {
			huge[i] = abi.Iovec{Buf: s.data, Len: abi.PageSize}
		}
		s.put(s.data, []byte(big))
		many := s.pages(5)
		for i := range huge {
			b := make([]byte, abi.IovecSize)
			huge[i].Encode(b)
			s.put(many+uint64(i)*abi.IovecSize, b)
		}
		if e := send(da, abi.SendIn{Data: many, DataLen: 1024}); e != abi.EMSGSIZE {
			t.Errorf("datagram of 4 MiB: %v", e)
		}
		s.close(a, b, gone, idle, idlePeer, lone, loneDgram, da, db, deaf, mute)
	}, Grant{HostFD: file})
}

func TestSockShutdown(t *testing.T) {
	onSockets(t, func(s *sockTest) {
		a, b := s.pair(abi.FiletypeSocketStream)
		s.nonblock(a)
		s.nonblock(b)
		s.expect(s.th, 0, abi.CallSockShutdown, a, uint64(abi.ShutWR))
		s.want(b, 1, 0, 0, "", 0, 0)
		if _, e := s.trySend(a, "x", 0); e != abi.EPIPE {
			t.Errorf("send after shutdown: %v", e)
		}
		s.send(b, "y") // the other direction is still open
		s.want(a, 9, 0, 0, "y", 0, 0)
		s.expect(s.th, 0, abi.CallSockShutdown, a, uint64(abi.ShutRD))
		s.want(a, 1, 0, 0, "", 0, 0)
		if _, e := s.trySend(b, "x", 0); e != abi.EPIPE {
			t.Errorf("send to one that does not listen: %v", e)
		}
		s.close(a, b)
		a, b = s.pair(abi.FiletypeSocketStream)
		s.expect(s.th, 0, abi.CallSockShutdown, a, uint64(abi.ShutRD|abi.ShutWR))
		s.want(a, 1, 0, 0, "", 0, 0)
		s.want(b, 1, 0, abi.SockRecvWaitall, "", 0, 0)
		s.close(a, b)
	})
}

// sockDir is a directory with a link out of it.
func sockDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(testdir.New(t), "d")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Mkdir(filepath.Join(dir, "sub"), 0o700),
		os.Symlink("..", filepath.Join(dir, "up")), os.Symlink("/tmp", filepath.Join(dir, "abs")),
		os.Symlink("sub", filepath.Join(dir, "in")), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
		os.Symlink("sub/sock", filepath.Join(dir, "tosock")), os.Symlink("../outside", filepath.Join(dir, "tooutside"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
