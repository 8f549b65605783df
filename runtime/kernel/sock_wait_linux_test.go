package kernel

import (
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

// A kick in the middle of a receive that waits for all of it loses nothing and
// ends nothing; nor do kicks end any other call.
func TestSockKicks(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	tcp, err := in.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	native, local := nativePair(t, unix.SOCK_STREAM)
	for name, tt := range map[string]struct {
		grant Grant
		write func(b string) error
	}{
		"local": {local, func(b string) error { _, err := unix.Write(native, []byte(b)); return err }},
		"tcp":   {Grant{HostFD: int(tcp.Fd())}, func(b string) error { _, err := out.Write([]byte(b)); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, tt.grant)
			var kicked atomic.Pointer[Thread]
			done := f.spawn(func(th *Thread) {
				s := newSockTest(f, th)
				kicked.Store(th)
				s.want(0, 10, 0, abi.SockRecvWaitall, "abcdefghij", 0, 0)
				s.want(0, 10, 3, 0, "k", 0, 0)
				kicked.Store(nil)
			})
			for _, piece := range []string{"a", "bcd", "ef", "ghij", "k"} {
				for range 20 {
					if th := kicked.Load(); th != nil {
						th.Host.Kick()
					}
					time.Sleep(100 * time.Microsecond)
				}
				if err := tt.write(piece); err != nil {
					t.Fatal(err)
				}
			}
			f.within(done, "receive")
		})
	}
}

// The end of the process ends every wait.
func TestSockWaitsEnd(t *testing.T) {
	dir := sockDir(t)
	for _, name := range []string{"recv", "recv of all", "fd_read", "send", "accept", "connect", "datagram"} {
		f := newFixture(t, Grant{HostFD: openPath(t, dir, unix.O_RDONLY)})
		before := openFDs(t)
		var ended bool
		ready := make(chan bool)
		done := f.spawn(func(th *Thread) {
			s := newSockTest(f, th)
			once := func(c abi.Call, args ...uint64) {
				var a [8]uint64
				copy(a[:], args)
				for {
					_, _, o := th.CallRaw(uint64(c.Info().Num2016), &a)
					if o.Action == ActionExitProcess {
						ended = true
						return
					}
					if o.Action != ActionRestart && c != abi.CallFDWrite && c != abi.CallSockConnect {
						t.Errorf("%s: %+v", name, o)
						return
					}
				}
			}
			a, b := s.pair(stream)
			da, _ := s.pair(abi.FiletypeSocketDgram)
			recv := func(fd uint64, flags abi.Riflags) {
				in := make([]byte, abi.RecvInSize)
				(&abi.RecvIn{Data: s.vector(s.data, 9), DataLen: 1, Flags: flags}).Encode(in)
				s.put(s.in, in)
				once(abi.CallSockRecv, fd, s.in, s.out)
			}
			server := s.socket(stream)
			if s.bind(server, 0, strings.ReplaceAll(name, " ", "")) != 0 {
				t.Error("bind")
			}
			s.expectRaw(0, abi.CallSockListen, server, 0)
			close(ready)
			switch name {
			case "recv":
				recv(a, 0)
			case "recv of all":
				s.send(b, "some")
				recv(a, abi.SockRecvWaitall)
			case "fd_read":
				once(abi.CallFDRead, a, s.vector(s.data, 9), 1)
			case "datagram":
				recv(da, 0)
			case "accept":
				once(abi.CallSockAccept, server, 0)
			case "send": // until it blocks
				once(abi.CallFDWrite, a, s.vector(s.data, abi.PageSize), 1)
			case "connect": // until the backlog is full
				for !ended {
					addr, n := s.pathArg("connect")
					sock := s.socket(stream)
					var a = [8]uint64{sock, 0, addr, n}
					_, _, o := th.CallRaw(47, &a)
					ended = o.Action == ActionExitProcess
					if o.Action == ActionContinue && o.Errno != 0 {
						t.Error(o.Errno)
						return
					}
				}
			}
		})
		<-ready
		time.Sleep(5 * time.Millisecond) // most likely it sleeps now; if not, the kick comes first
		f.p.Exit(0)
		f.within(done, name)
		if !ended {
			t.Errorf("%s: went on after the end", name)
		}
		f.p.fds.closeAll()
		if after := openFDs(t); after != before-1 {
			t.Errorf("%s: %d host descriptors are open, %d before", name, after, before-1)
		}
	}
}

// A datagram that arrives while its page is write-protected is not lost.
func TestDatagramIntoTranslatedCode(t *testing.T) {
	native, grant := nativePair(t, unix.SOCK_DGRAM)
	f := newFixture(t, grant)
	view, code := f.views()
	for _, whole := range []bool{true, false} {
		for _, c := range []abi.Call{abi.CallSockRecv, abi.CallFDRead} {
			done := f.spawn(func(th *Thread) {
				s := newSockTest(f, th)
				v := make([]byte, 2*abi.IovecSize)
				(&abi.Iovec{Buf: s.data, Len: 1}).Encode(v)
				(&abi.Iovec{Buf: view, Len: 3}).Encode(v[abi.IovecSize:])
				s.put(s.in+40, v)
				in := make([]byte, abi.RecvInSize)
				(&abi.RecvIn{Data: s.in + 40, DataLen: 2, FDs: s.fds, FDsLen: 1}).Encode(in)
				s.put(s.in, in)
				if c == abi.CallFDRead {
					s.expect(th, 0, c, 0, s.in+40, 2, s.out)
				} else {
					s.expect(th, 0, c, 0, s.in, s.out)
				}
				if n := s.get64(s.out); n != 4 {
					t.Errorf("%v: %d bytes", c, n)
				}
			})
			time.Sleep(10 * time.Millisecond) // most likely it sleeps now; if not, the check sees the translation
			f.translate(code)
			data := "abcd"
			if !whole {
				data = "abcdefgh"
			}
			if _, err := unix.Write(native, []byte(data)); err != nil {
				t.Fatal(err)
			}
			f.within(done, c.String())
			if got := string(f.get(code, 3)); got != "bcd" {
				t.Errorf("%v: code is %q", c, got)
			}
			if err := f.mem.CopyOut(view, make([]byte, 3)); err != nil {
				t.Error(err)
			}
		}
	}
}

// Datagrams longer than our buffer arrive whole, in pages that may be protected.
func TestLongDatagramIntoSharedPages(t *testing.T) {
	native, grant := nativePair(t, unix.SOCK_SEQPACKET)
	if err := unix.SetsockoptInt(native, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20); err != nil {
		t.Skipf("only root may send longer datagrams than the host's limit: %v", err)
	}
	onSockets(t, func(s *sockTest) {
		const size = 512 << 10
		shm := s.expectRaw(0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory))
		st := make([]byte, abi.FilestatSize)
		(&abi.Filestat{Size: size}).Encode(st)
		s.put(s.stat, st)
		s.expect(s.th, 0, abi.CallFileStatFput, shm, s.stat, uint64(abi.FsflagSize))
		s.expect(s.th, 0, abi.CallMemMap, 0, size, uint64(abi.ProtRead|abi.ProtWrite), uint64(abi.MapShared), shm, 0, s.n)
		at := s.get64(s.n)
		sent := strings.Repeat("0123456789abcdef", 400<<10/16)
		for range 2 {
			if _, err := unix.Write(native, []byte(sent)); err != nil {
				t.Error(err)
				return
			}
		}
		s.expect(s.th, 0, abi.CallFDRead, 0, s.vector(at, size), 1, s.n)
		if n := s.get64(s.n); n != uint64(len(sent)) || string(s.get(at, len(sent))) != sent {
			t.Errorf("%d bytes", n)
		}
		s.expect(s.th, 0, abi.CallFDRead, 0, s.vector(at, 100), 1, s.n)
		if n := s.get64(s.n); n != 100 {
			t.Errorf("%d bytes", n)
		}
		s.expect(s.th, 0, abi.CallMemUnmap, at, size)
		s.close(shm)
	}, grant)
}

// Thousands of messages, whole and cut off, leave no host descriptor behind.
func TestPassLeaks(t *testing.T) {
	for _, typ := range []abi.Filetype{stream, abi.FiletypeSocketDgram, abi.FiletypeSocketSeqpacket} {
		onSockets(t, func(s *sockTest) {
			rnd := rand.New(rand.NewPCG(1, uint64(typ)))
			a, b := s.pair(typ)
			s.expect(s.th, 0, abi.CallFDDup, 0, s.n)
			poor := uint64(s.get32(s.n))
			s.restrict(poor, abi.RightFDRead, 0)
			all := []uint64{0, poor, a, b}
			for range 1500 {
				fds := make([]uint64, rnd.IntN(6))
				for i := range fds {
					fds[i] = all[rnd.IntN(len(all))]
				}
				s.send(a, "message", fds...)
				switch rnd.IntN(4) {
				case 0:
					s.expect(s.th, 0, abi.CallFDRead, b, s.vector(s.data, 9), 1, s.n)
				case 1: // fails when everything has arrived: the numbers cannot be stored
					look := s.recv(b, 9, 9, abi.SockRecvPeek)
					s.close(look.fds...)
					fallthrough
				default:
					m := s.recv(b, 9, rnd.Uint64N(7), 0)
					s.close(m.fds...)
				}
			}
			// What is still on its way goes with the sockets.
			s.send(a, "lost", 0, poor)
			s.close(a, b, poor)
		}, Grant{HostFD: openFile(t, unix.O_RDWR)})
	}
}

// Two threads pass descriptors to each other while a third closes what it finds.
func TestPassRaces(t *testing.T) {
	f := newFixture(t, Grant{HostFD: openFile(t, unix.O_RDWR)})
	classifyOnce(t)
	before := openFDs(t)
	var a, b uint64
	f.run(func(th *Thread) {
		s := newSockTest(f, th)
		a, b = s.pair(stream)
		s.restrict(0, abi.RightFDRead, 0)
	})
	var stop atomic.Bool
	var passed, closed atomic.Uint64
	var dones []chan struct{}
	for i := range 3 {
		var s *sockTest
		ready := make(chan bool)
		dones = append(dones, f.spawn(func(th *Thread) {
			<-ready
			s.th = th
			switch i {
			case 0: // sends, also descriptors that are being closed
				for n := uint64(0); !stop.Load(); n++ {
					if _, e := s.trySend(a, "m", 0, 0, 3+n%40); e != 0 && e != abi.EBADF && e != abi.EPIPE && e != abi.ENOBUFS {
						t.Errorf("send: %v", e)
						return
					}
					s.trySend(a, "m", 0, 0, 0)
				}
			case 1:
				for !stop.Load() {
					m, e := s.tryRecv(b, 1, 2, 0)
					if e != 0 {
						t.Errorf("recv: %v", e)
						return
					}
					for _, fd := range m.fds {
						if call(th, abi.CallFDStatGet, fd, s.stat).Errno != 0 {
							continue // closed by now, see below
						}
						var st abi.Fdstat
						st.Decode(s.get(s.stat, abi.FdstatSize))
						if st.Filetype == abi.FiletypeRegularFile && st.RightsBase != abi.RightFDRead {
							t.Errorf("rights have become %v", st.RightsBase)
						}
					}
					passed.Add(uint64(len(m.fds)))
				}
			case 2:
				for n := uint64(0); !stop.Load(); n++ {
					if fd := 3 + n%4000; call(th, abi.CallFDClose, fd).Errno == 0 {
						closed.Add(1)
					}
					if n%512 == 0 {
						runtime.Gosched()
					}
				}
			}
		}))
		s = newSockTest(f, nil)
		close(ready)
	}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end) || passed.Load() == 0; {
		time.Sleep(10 * time.Millisecond)
	}
	stop.Store(true)
	f.run(func(th *Thread) { call(th, abi.CallSockShutdown, a, 3) })
	for _, d := range dones {
		f.within(d, "passing")
	}
	f.p.fds.closeAll()
	if after := openFDs(t); after != before-1 {
		t.Errorf("%d host descriptors are open, %d before", after, before-1)
	}
	t.Logf("%d passed, %d closed", passed.Load(), closed.Load())
}

// Messages without descriptors take no memory.
func TestSockAllocs(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		s := newSockTest(f, th)
		for _, typ := range []abi.Filetype{stream, abi.FiletypeSocketDgram} {
			a, b := s.pair(typ)
			si, ri := f.alloc(abi.SendInSize), f.alloc(abi.RecvInSize)
			out, data := f.alloc(abi.RecvOutSize), f.alloc(64)
			v := f.iov(abi.Iovec{Buf: data, Len: 64})
			buf := make([]byte, abi.RecvInSize)
			(&abi.SendIn{Data: v, DataLen: 1}).Encode(buf)
			s.put(si, buf)
			(&abi.RecvIn{Data: v, DataLen: 1}).Encode(buf)
			s.put(ri, buf)
			args := [4][8]uint64{{a, si, out}, {b, ri, out}, {a, v, 1, out}, {b, v, 1, out}}
			calls := [4]abi.Call{abi.CallSockSend, abi.CallSockRecv, abi.CallFDWrite, abi.CallFDRead}
			if n := testing.AllocsPerRun(100, func() {
				for i := range calls {
					if o := th.CallVDSO(calls[i], &args[i]); o.Errno != 0 || o.Action != 0 {
						t.Errorf("%v: %+v", calls[i], o)
					}
				}
			}); n != 0 {
				t.Errorf("%v: %v allocations", typ, n)
			}
		}
	})
}
