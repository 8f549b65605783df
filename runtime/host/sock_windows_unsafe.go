//go:build windows && amd64

package host

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Sockets of the system never block here: who has to wait waits for events, which a
// kick can end.

var (
	modws2          = windows.NewLazySystemDLL("ws2_32.dll")
	procIoctlsocket = modws2.NewProc("ioctlsocket")
	procAccept      = modws2.NewProc("accept")
	procWSAPoll     = modws2.NewProc("WSAPoll")
	procWSARecvFrom = modws2.NewProc("WSARecvFrom")
	procWSASend     = modws2.NewProc("WSASend")
	procEventSelect = modws2.NewProc("WSAEventSelect")
)

const (
	fionbio  = 0x8004667e
	fionread = 0x4004667f
)

// winsock makes a call of Winsock, which answers -1 or an invalid handle for failure.
//
//go:uintptrescapes
func winsock(p *windows.LazyProc, a ...uintptr) (uintptr, error) {
	r, _, err := p.Call(a...)
	if int32(r) != -1 {
		return r, nil
	}
	if e, ok := err.(syscall.Errno); ok && e != 0 {
		return r, e
	}
	return r, syscall.EIO
}

func setNonblocking(h windows.Handle) error {
	on := uint32(1)
	_, err := winsock(procIoctlsocket, uintptr(h), fionbio, uintptr(unsafe.Pointer(&on)))
	return err
}

// pendingIn returns how many bytes can be read from a socket at once.
func pendingIn(h windows.Handle) int {
	var n uint32
	if _, err := winsock(procIoctlsocket, uintptr(h), fionread, uintptr(unsafe.Pointer(&n))); err != nil {
		return 0
	}
	return int(n)
}

func accept(h windows.Handle) (windows.Handle, error) {
	r, err := winsock(procAccept, uintptr(h), 0, 0)
	return windows.Handle(r), err
}

// wsaBuf is WSABUF, with an address that may be the guest's.
type wsaBuf struct {
	n    uint32
	addr uint64
}

func buffers(v []Iovec) []wsaBuf {
	b := make([]wsaBuf, max(len(v), 1))
	for i := range v {
		b[i] = wsaBuf{uint32(min(v[i].Len, maxTransfer)), v[i].Addr}
	}
	return b
}

// Flags of winsock2.h.
const (
	msgPeek    = 0x2
	msgWaitAll = 0x8
)

// A Message is the scratch memory of one thread's transfers on sockets.
type Message struct {
	NameSender bool // Receive also notes who has sent, for Sender

	name windows.RawSockaddrAny
	size int32
	own  [1]Iovec
}

// Send sends guest memory and descriptors of this process; sockets of the system carry
// none: EINVAL.
func (t *Thread) Send(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (int, syscall.Errno) {
	f, e := socketOf(fd)
	if e != 0 {
		return 0, e
	}
	flags |= f.messageFlags()
	if f.end == nil {
		if len(fds) > 0 {
			return 0, syscall.EINVAL
		}
		return t.sendSocket(f, v, flags)
	}
	files := make([]*file, 0, len(fds))
	for _, fd := range fds {
		g, e := fileOf(int(fd))
		if e != 0 {
			release(files)
			return 0, e
		}
		retain(g)
		files = append(files, g)
	}
	n, e := f.end.send(t, v, files, flags)
	if e != 0 {
		release(files)
	}
	return n, e
}

func (t *Thread) sendSocket(f *file, v []Iovec, flags MessageFlags) (n int, e syscall.Errno) {
	b := buffers(v)
	for {
		var sent uint32
		_, err := winsock(procWSASend, uintptr(f.h), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			uintptr(unsafe.Pointer(&sent)), 0, 0, 0)
		runtime.KeepAlive(b)
		if err == nil {
			n += int(sent)
			if b = advance(b, sent); len(b) == 0 || f.kind.Messages() || sent == 0 || flags&MsgDontWait != 0 {
				return n, 0
			}
			continue
		}
		if e := t.again(f, err, PollOut, flags); e != 0 {
			if n > 0 {
				e = 0
			}
			return n, e
		}
	}
}

// advance takes what was transferred off the buffers; none are left when that was all.
func advance(b []wsaBuf, n uint32) []wsaBuf {
	for len(b) > 0 && n >= b[0].n {
		n -= b[0].n
		b = b[1:]
	}
	if len(b) > 0 {
		b[0].n, b[0].addr = b[0].n-n, b[0].addr+uint64(n)
	}
	return b
}

// Receive receives into guest memory. With room for descriptors, fds, all of them
// arrive: as many as fit in fds, of which the number is returned, the others closed.
// Both that and a message longer than v show in the flags returned.
func (t *Thread) Receive(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (
	n, nfds int, got MessageFlags, e syscall.Errno) {
	f, e := socketOf(fd)
	if e != 0 {
		return 0, 0, 0, e
	}
	flags |= f.messageFlags()
	m.size = 0
	if f.end == nil {
		n, got, e = t.receiveSocket(m, f, v, flags)
		return n, 0, got, e
	}
	n, files, got, e := f.end.receive(t, v, len(fds) > 0, flags)
	nfds = min(len(files), len(fds))
	for i, g := range files[:nfds] {
		fds[i] = int32(newFD(g))
	}
	release(files)
	if nfds < len(files) {
		got |= MsgFDsTruncated
	}
	return n, nfds, got, e
}

func (t *Thread) receiveSocket(m *Message, f *file, v []Iovec, flags MessageFlags) (int, MessageFlags, syscall.Errno) {
	b := buffers(v)
	n := 0
	for {
		var done, wsaFlags uint32
		if flags&MsgPeek != 0 {
			wsaFlags = msgPeek
		}
		var name, size uintptr
		if m != nil && m.NameSender {
			m.size = int32(unsafe.Sizeof(m.name))
			name, size = uintptr(unsafe.Pointer(&m.name)), uintptr(unsafe.Pointer(&m.size))
		}
		_, err := winsock(procWSARecvFrom, uintptr(f.h), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			uintptr(unsafe.Pointer(&done)), uintptr(unsafe.Pointer(&wsaFlags)), name, size, 0, 0)
		runtime.KeepAlive(m)
		switch {
		case err == windows.WSAEMSGSIZE:
			return int(total(v)), MsgTruncated, 0
		case err == windows.WSAESHUTDOWN:
			return n, 0, 0
		case err == nil:
			n += int(done)
			b = advance(b, done)
			if len(b) == 0 || done == 0 || f.kind.Messages() || flags&(MsgWaitAll|MsgPeek) != MsgWaitAll {
				return n, 0, 0
			}
			continue
		}
		if e := t.again(f, err, PollIn, flags); e != 0 {
			if n > 0 {
				e = 0
			}
			return n, 0, e
		}
	}
}

// Unattached returns how many bytes at the front of a local stream come before the
// first message that carries descriptors, 0 when that is the very first, and -1 when
// none of those that wait does.
func (t *Thread) Unattached(m *Message, fd int) (n int, e syscall.Errno) {
	f, e := socketOf(fd)
	switch {
	case e != 0:
		return 0, e
	case f.end == nil:
		return -1, 0
	}
	return f.end.unattached()
}

// Sender is the address that the last Receive has noted.
func (m *Message) Sender() (a Address) {
	if m.size == 0 {
		return a
	}
	sa, err := m.name.Sockaddr()
	if err != nil {
		return a
	}
	return addressOf(sa)
}

// wsaPollFD is WSAPOLLFD.
type wsaPollFD struct {
	h               windows.Handle
	events, revents int16
	_               [4]byte
}

// Events of winsock2.h.
const (
	wsaPollIn  = 0x300
	wsaPollOut = 0x10
	wsaPollErr = 0x1
	wsaPollHup = 0x2
	wsaPollNot = 0x4
)

// pollSockets looks which sockets are ready, without waiting.
func pollSockets(fds []wsaPollFD) error {
	if len(fds) == 0 {
		return nil
	}
	_, err := winsock(procWSAPoll, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), 0)
	return err
}

func toWSA(events int16) (w int16) {
	if events&PollIn != 0 {
		w |= wsaPollIn
	}
	if events&PollOut != 0 {
		w |= wsaPollOut
	}
	return w
}

func fromWSA(w int16) (events int16) {
	for _, b := range [...]struct{ w, e int16 }{
		{wsaPollIn, PollIn}, {wsaPollOut, PollOut}, {wsaPollErr, PollErr}, {wsaPollHup, PollHup}, {wsaPollNot, PollNval},
	} {
		if w&b.w != 0 {
			events |= b.e
		}
	}
	return events
}

// allNetworkEvents are the events of WSAEventSelect: FD_READ to FD_CLOSE.
const allNetworkEvents = 0x3f

// socketSlice bounds a wait for sockets: a socket reports to one event only, and another
// thread may have put its own there.
const socketSlice = 50 * time.Millisecond

// awaitSocket waits until a socket is ready for want.
func (t *Thread) awaitSocket(h windows.Handle, want int16, until deadline) syscall.Errno {
	for {
		_, _ = winsock(procEventSelect, uintptr(h), uintptr(t.wake), allNetworkEvents)
		p := []wsaPollFD{{h: h, events: toWSA(want)}}
		if err := pollSockets(p); err != nil || p[0].revents != 0 {
			return errnoIn(err)
		}
		if until.passed() {
			return syscall.EAGAIN
		}
		if e := t.sleep(until, socketSlice); e != 0 {
			return e
		}
	}
}
