package kernel

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"

	"golang.org/x/sys/unix"
)

// What arrives is what was sent: type and rights, whatever its kind, and what was
// taken away stays away.
func TestPassRights(t *testing.T) {
	r, w := pipe(t)
	all := ^abi.Rights(0)
	type row struct {
		name string
		typ  abi.Filetype
		fd   uint64
	}
	onSockets(t, func(s *sockTest) {
		shm := s.expectRaw(0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory))
		str, strPeer := s.pair(stream)
		dg, dgPeer := s.pair(abi.FiletypeSocketDgram)
		sq, sqPeer := s.pair(abi.FiletypeSocketSeqpacket)
		fr, fw := s.pair(abi.FiletypeFifo)
		a, b := s.pair(stream)
		for _, keep := range []struct{ base, inheriting abi.Rights }{
			{all, all}, {^abi.RightFDRead, all}, {all, ^abi.RightFDRead}, {^abi.RightPollFDReadwrite, ^abi.RightFileOpen},
			{abi.RightFDWrite | abi.RightFileStatFget, abi.RightFDWrite}, {0, 0},
		} {
			for _, tt := range []row{
				{"file", abi.FiletypeRegularFile, 0}, {"file, read only", abi.FiletypeRegularFile, 1},
				{"directory", abi.FiletypeDirectory, 2}, {"pipe, reader", abi.FiletypeFifo, 3}, {"pipe, writer", abi.FiletypeFifo, 4},
				{"device", abi.FiletypeCharacterDevice, 5}, {"shared memory", abi.FiletypeSharedMemory, shm},
				{"stream", stream, str}, {"datagrams", abi.FiletypeSocketDgram, dg}, {"sequenced packets", abi.FiletypeSocketSeqpacket, sq},
				{"pipe of 2016, reader", abi.FiletypeFifo, fr}, {"pipe of 2016, writer", abi.FiletypeFifo, fw},
			} {
				s.expect(s.th, 0, abi.CallFDDup, tt.fd, s.n)
				fd := uint64(s.get32(s.n))
				st := s.fdstat(fd)
				s.restrict(fd, st.RightsBase&keep.base, st.RightsInheriting&keep.inheriting)
				sent := s.fdstat(fd)
				if sent.Filetype != tt.typ {
					t.Errorf("%s is %v", tt.name, sent.Filetype)
				}
				s.send(a, "x", fd)
				m := s.want(b, 1, 9, 0, "x", 1, 0)
				if got := s.fdstat(m.fds[0]); got != sent {
					t.Errorf("%s: sent %+v, received %+v", tt.name, sent, got)
				}
				s.close(fd, m.fds[0])
			}
		}
		// Several at once keep their places.
		s.expect(s.th, 0, abi.CallFDDup, 0, s.n)
		ro := uint64(s.get32(s.n))
		s.restrict(ro, abi.RightFDRead, 0)
		s.send(a, "x", dg, ro, 0, shm)
		m := s.want(b, 1, 4, 0, "x", 4, 0)
		for i, fd := range []uint64{dg, ro, 0, shm} {
			if got, want := s.fdstat(m.fds[i]), s.fdstat(fd); got != want {
				t.Errorf("place %d: %+v, want %+v", i, got, want)
			}
		}
		s.close(m.fds...)
		s.close(ro, shm, str, strPeer, dg, dgPeer, sq, sqPeer, fr, fw, a, b)
	}, Grant{HostFD: openFile(t, os.O_RDWR)}, Grant{HostFD: openFile(t, os.O_RDONLY)}, Grant{HostFD: openPath(t, t.TempDir(), os.O_RDONLY)},
		Grant{HostFD: blocking(r)}, Grant{HostFD: blocking(w)}, Grant{HostFD: openPath(t, os.DevNull, os.O_RDWR)})
}

// The descriptor that arrives is the same object: memory is shared, a file has
// one offset.
func TestPassIdentity(t *testing.T) {
	onSockets(t, func(s *sockTest) {
		a, b := s.pair(stream)
		shm := s.expectRaw(0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory))
		st := make([]byte, abi.FilestatSize)
		(&abi.Filestat{Size: abi.PageSize}).Encode(st)
		s.put(s.stat, st)
		s.expect(s.th, 0, abi.CallFileStatFput, shm, s.stat, uint64(abi.FsflagSize))
		s.send(a, "x", shm, 0)
		m := s.want(b, 1, 2, 0, "x", 2, 0)
		view := func(fd uint64) uint64 {
			s.expect(s.th, 0, abi.CallMemMap, 0, abi.PageSize, uint64(abi.ProtRead|abi.ProtWrite), uint64(abi.MapShared), fd, 0, s.n)
			return s.get64(s.n)
		}
		v1, v2 := view(shm), view(m.fds[0])
		s.put(v1, []byte("shared"))
		if got := string(s.get(v2, 6)); got != "shared" {
			t.Errorf("the other view shows %q", got)
		}
		s.expect(s.th, 0, abi.CallFDRead, m.fds[1], s.vector(s.data, 4), 1, s.n)
		s.expect(s.th, 0, abi.CallFDSeek, 0, 0, uint64(abi.WhenceCur), s.n)
		if got := s.get64(s.n); got != 4 {
			t.Errorf("offset %d, want 4", got)
		}
		for _, v := range []uint64{v1, v2} {
			s.expect(s.th, 0, abi.CallMemUnmap, v, abi.PageSize)
		}
		s.close(append(m.fds, a, b, shm)...)
	}, Grant{HostFD: openFile(t, os.O_RDWR)})
}

// Room for fewer descriptors than there are, and for none.
func TestPassTruncated(t *testing.T) {
	for _, typ := range []abi.Filetype{stream, abi.FiletypeSocketDgram, abi.FiletypeSocketSeqpacket} {
		onSockets(t, func(s *sockTest) {
			a, b := s.pair(typ)
			s.expect(s.th, 0, abi.CallFDDup, 0, s.n)
			poor := uint64(s.get32(s.n))
			s.restrict(poor, abi.RightFDRead, 0)
			for _, send := range [][]uint64{{0, 0, 0}, {0, poor, 0}} {
				for room := range uint64(6) {
					s.send(a, "data", send...)
					var flags abi.Roflags
					if room == 1 || room == 2 {
						flags = abi.SockRecvFDsTruncated
					}
					m := s.want(b, 9, room, 0, "data", int(min(room, 3)), flags)
					for i, fd := range m.fds {
						if got, want := s.fdstat(fd), s.fdstat(send[i]); got != want {
							t.Errorf("%+v, want %+v", got, want)
						}
					}
					s.close(m.fds...)
				}
				s.send(a, "data", send...)
				s.expect(s.th, 0, abi.CallFDRead, b, s.vector(s.data, 9), 1, s.n)
				if n := s.get64(s.n); n != 4 {
					t.Errorf("fd_read: %d bytes", n)
				}
				// A look at a message brings its descriptors, too, and leaves them.
				s.send(a, "data", send...)
				look := s.want(b, 9, 9, abi.SockRecvPeek, "data", 3, 0)
				m := s.want(b, 9, 9, 0, "data", 3, 0)
				s.close(append(look.fds, m.fds...)...)
			}
			s.close(a, b, poor)
		}, Grant{HostFD: openFile(t, os.O_RDWR)})
	}
}

// The most descriptors that go with one message.
func TestPassMany(t *testing.T) {
	onSockets(t, func(s *sockTest) {
		a, b := s.pair(abi.FiletypeSocketDgram)
		s.restrict(0, abi.RightFDRead, 0)
		s.send(a, "x", make([]uint64, maxPassed)...)
		m := s.want(b, 1, host.MaxMessageFDs, 0, "x", maxPassed, 0)
		for _, fd := range m.fds {
			if st := s.fdstat(fd); st.RightsBase != abi.RightFDRead {
				t.Fatalf("%+v", st)
			}
		}
		s.close(m.fds...)
		// A guest's table that is full is a message cut off.
		s.send(a, "y", 0, 0, 0)
		for {
			o := call(s.th, abi.CallFDDup, 0, s.n)
			if o.Errno == abi.EMFILE {
				break
			} else if o.Errno != 0 {
				t.Fatal(o.Errno)
			}
		}
		s.close(uint64(s.get32(s.n)))
		s.want(b, 9, 9, 0, "y", 1, abi.SockRecvFDsTruncated)
	}, Grant{HostFD: openFile(t, os.O_RDWR)})
}

// A stream's bytes before a message with descriptors are received without it,
// whatever the call.
func TestStreamStopsBeforeDescriptors(t *testing.T) {
	onSockets(t, func(s *sockTest) {
		a, b := s.pair(stream)
		fill := func() {
			s.send(a, "abc")
			s.send(a, "de")
			s.send(a, "fgh", a)
			s.send(a, "ijk", a, a)
			s.send(a, "lm")
		}
		fill()
		s.want(b, 99, 9, 0, "abcde", 0, 0)
		m := s.want(b, 99, 9, 0, "fgh", 1, 0)
		n := s.want(b, 2, 9, 0, "ij", 2, 0) // with the first bytes of the message
		s.want(b, 99, 9, 0, "klm", 0, 0)
		s.close(append(m.fds, n.fds...)...)

		fill()
		s.want(b, 99, 9, abi.SockRecvPeek, "abcde", 0, 0)
		s.want(b, 4, 9, abi.SockRecvPeek, "abcd", 0, 0)
		s.want(b, 99, 9, abi.SockRecvWaitall, "abcde", 0, 0) // it would wait for ever
		m = s.want(b, 99, 9, abi.SockRecvWaitall, "fgh", 1, 0)
		s.want(b, 3, 0, 0, "ijk", 0, 0)
		s.want(b, 99, 9, 0, "lm", 0, 0)
		s.close(m.fds...)

		fill()
		// What follows a message whose descriptors nobody wants belongs to the same read:
		// a test of the C library counts on it (uv_read_start.ipc_disabled).
		for _, want := range []string{"abcde", "fgh", "ijklm"} {
			s.expect(s.th, 0, abi.CallFDRead, b, s.vector(s.data, 99), 1, s.n)
			if got := string(s.get(s.data, int(s.get64(s.n)))); got != want {
				t.Errorf("fd_read: %q, want %q", got, want)
			}
		}
		fill()
		s.want(b, 99, 0, abi.SockRecvPeek, "abcde", 0, 0)
		s.want(b, 5, 0, 0, "abcde", 0, 0)
		s.want(b, 99, 0, abi.SockRecvPeek, "fgh", 0, 0)
		s.want(b, 99, 0, 0, "fgh", 0, 0)
		s.want(b, 4, 0, 0, "ijkl", 0, 0)
		s.want(b, 99, 0, 0, "m", 0, 0)
		// A long plain message whose rest waits in front of one with descriptors.
		s.send(a, strings.Repeat("p", 3000))
		s.send(a, "q", a)
		s.want(b, 1000, 9, abi.SockRecvWaitall, strings.Repeat("p", 1000), 0, 0)
		s.want(b, 1500, 9, abi.SockRecvWaitall, strings.Repeat("p", 1500), 0, 0)
		s.want(b, 1500, 9, abi.SockRecvWaitall, strings.Repeat("p", 500), 0, 0)
		m = s.want(b, 1500, 9, 0, "q", 1, 0)
		s.close(append(m.fds, a, b)...)
	})
}

// nativePair is a pair of sockets, of which the guest gets one as descriptor 0.
func nativePair(t *testing.T, typ int) (native int, g Grant) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return p[0], Grant{HostFD: p[1]}
}

// receiveNative receives with room for n descriptors.
func receiveNative(t *testing.T, fd, n int) (data string, fds []int, flags int) {
	t.Helper()
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*n))
	dn, on, flags, _, err := unix.Recvmsg(fd, b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Error(err)
		return "", nil, 0
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:on])
	if err != nil {
		t.Error(err)
	}
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			t.Error(err)
		}
		fds = append(fds, got...)
	}
	return string(b[:dn]), fds, flags & unix.MSG_CTRUNC
}

// With a native program at the other end.
func TestPassNative(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		native, grant := nativePair(t, typ)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		onSockets(t, func(s *sockTest) {
			const sock, file = 0, 1
			send := func(data string, fds ...int) {
				t.Helper()
				if err := unix.Sendmsg(native, []byte(data), unix.UnixRights(fds...), nil, 0); err != nil {
					t.Error(err)
				}
			}
			// To the guest: the rights of type and access mode.
			send("x", int(r.Fd()), int(w.Fd()), event)
			m := s.want(sock, 9, 9, 0, "x", 3, 0)
			for i, want := range []abi.Fdstat{
				{Filetype: abi.FiletypeFifo, RightsBase: rightsSocket &^ abi.RightFDWrite, RightsInheriting: rightsAll},
				{Filetype: abi.FiletypeFifo, RightsBase: rightsSocket &^ abi.RightFDRead, RightsInheriting: rightsAll},
				{}, // there is no name for it, and nothing to be done with it
			} {
				st := s.fdstat(m.fds[i])
				want.Flags = st.Flags
				if st != want {
					t.Errorf("place %d: %+v, want %+v", i, st, want)
				}
			}
			s.expect(s.th, abi.ENOTCAPABLE, abi.CallFDRead, m.fds[2], s.vector(s.data, 8), 1, s.n)
			s.expect(s.th, 0, abi.CallFDWrite, m.fds[1], s.vector(s.data, 1), 1, s.n)
			if n, err := r.Read(make([]byte, 9)); n != 1 || err != nil {
				t.Errorf("through the pipe: %d, %v", n, err)
			}
			s.close(m.fds...)

			// From the guest: an unrestricted descriptor comes alone; a restricted one
			// brings the manifest, which comes last.
			s.send(sock, "all", file)
			if data, fds, cut := receiveNative(t, native, 9); data != "all" || len(fds) != 1 || cut != 0 {
				t.Errorf("%q, %d descriptors, %#x", data, len(fds), cut)
			} else {
				unix.Close(fds[0])
			}
			s.restrict(file, abi.RightFDRead, 0)
			s.send(sock, "some", file)
			data, fds, cut := receiveNative(t, native, 9)
			if data != "some" || len(fds) != 2 || cut != 0 {
				t.Fatalf("%q, %d descriptors, %#x", data, len(fds), cut)
			}
			if c, err := classify(fds[0]); err != nil || c.kind != host.KindRegular {
				t.Errorf("%+v, %v", c, err)
			}
			if m, ok := readManifest(fds[1]); !ok || m.len() != 1 {
				t.Errorf("manifest %v, %v", m, ok)
			}
			// Handed on whole it still counts; the file alone is what the host makes of it.
			send("again", fds...)
			back := s.want(sock, 9, 9, 0, "again", 1, 0)
			if st := s.fdstat(back.fds[0]); st.RightsBase != abi.RightFDRead {
				t.Errorf("%+v", st)
			}
			s.close(back.fds...)
			// One that does not fit its message is a promise broken: nothing is let in.
			send("odd", fds[0], fds[0], fds[1])
			s.want(sock, 9, 9, 0, "odd", 0, abi.SockRecvFDsTruncated)
			// Nor can one be slipped under a message of the guest's.
			send("list", fds[1], fds[0])
			back = s.want(sock, 9, 9, 0, "list", 2, 0)
			a, b := s.pair(stream)
			s.send(a, "x", back.fds[1], back.fds[0])
			m = s.want(b, 9, 9, 0, "x", 2, 0)
			if got, want := s.fdstat(m.fds[0]), s.fdstat(back.fds[1]); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			s.close(append(m.fds, back.fds...)...)
			s.close(a, b)
			s.send(sock, "one", file)
			if data, fds, cut := receiveNative(t, native, 1); data != "one" || len(fds) == 0 || cut == 0 && len(fds) != 2 {
				t.Errorf("room for one: %q, %d descriptors, %#x", data, len(fds), cut)
			} else {
				for _, fd := range fds {
					unix.Close(fd)
				}
			}
			for _, fd := range fds {
				unix.Close(fd)
			}
		}, grant, Grant{HostFD: openFile(t, os.O_RDWR)})
		r.Close()
		w.Close()
		unix.Close(event)
	}
}

// A list made by somebody else gives nothing that the descriptor does not have.
func TestForgedManifest(t *testing.T) {
	native, grant := nativePair(t, unix.SOCK_STREAM)
	ro := openFile(t, os.O_RDONLY)
	list := func(typ abi.Filetype, n int, tail string) int {
		b := append([]byte(manifestMagic), binary.LittleEndian.AppendUint64(nil, uint64(n))...)
		for range n {
			for _, v := range []uint64{uint64(typ), ^uint64(0), ^uint64(0)} {
				b = binary.LittleEndian.AppendUint64(b, v)
			}
		}
		fd, err := host.NewSealed("forged", append(b, tail...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	open, err := unix.MemfdCreate("not sealed", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(open)
	sealed, err := host.NewSealed("no list", bytes.Repeat([]byte("x"), 100))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sealed)
	full := abi.Fdstat{Filetype: abi.FiletypeRegularFile, RightsBase: rightsRegular &^ abi.RightFDWrite}
	tests := []struct {
		name string
		last int
		nfds int
	}{
		{"all rights", list(abi.FiletypeSharedMemory, 1, ""), 1},
		{"too many", list(abi.FiletypeRegularFile, 2, ""), 0},
		{"none", list(abi.FiletypeRegularFile, 0, ""), 0},
		{"not its length", list(abi.FiletypeRegularFile, 1, "x"), 2},
		{"not sealed", open, 2},
		{"no list", sealed, 2},
	}
	onSockets(t, func(s *sockTest) {
		for _, tt := range tests {
			if err := unix.Sendmsg(native, []byte("x"), unix.UnixRights(ro, tt.last), nil, 0); err != nil {
				t.Error(err)
			}
			var flags abi.Roflags
			if tt.nfds == 0 {
				flags = abi.SockRecvFDsTruncated
			}
			m := s.want(0, 1, 9, 0, "x", tt.nfds, flags)
			if len(m.fds) > 0 && s.fdstat(m.fds[0]) != full {
				t.Errorf("%s: %+v, want %+v", tt.name, s.fdstat(m.fds[0]), full)
			}
			s.close(m.fds...)
		}
	}, grant)
}
