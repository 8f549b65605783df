//go:build linux && amd64

package host

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlSize is room for MaxMessageFDs descriptors and for what a native
// program may have asked the host to add on a socket that it shares with the
// guest: credentials, a process descriptor, a security label.
const controlSize = unix.SizeofCmsghdr + 4*MaxMessageFDs + 4 + 512

// A Message is the scratch memory of one thread's transfers on sockets. It lives
// on the heap: the host kernel reads and writes it.
type Message struct {
	NameSender bool // Receive also notes who has sent, for Sender

	hdr     unix.Msghdr
	name    unix.RawSockaddrAny
	own     [1]Iovec
	cut     [2]Iovec
	ahead   []byte             // of Unattached, once it has been called
	control *[controlSize]byte // once descriptors have been transferred
}

var messageFlags = [...]struct {
	flag MessageFlags
	host int
}{
	{MsgPeek, unix.MSG_PEEK},
	{MsgWaitAll, unix.MSG_WAITALL},
	{MsgDontWait, unix.MSG_DONTWAIT},
	{MsgEndOfRecord, unix.MSG_EOR},
	{MsgTruncated, unix.MSG_TRUNC},
	{MsgFDsTruncated, unix.MSG_CTRUNC},
}

func (f MessageFlags) host() (h int) {
	for i := range messageFlags {
		if f&messageFlags[i].flag != 0 {
			h |= messageFlags[i].host
		}
	}
	return h
}

// Send sends guest memory and descriptors of the host. It raises no signal.
func (t *Thread) Send(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (int, syscall.Errno) {
	m.begin(v)
	if len(fds) > 0 {
		if m.control == nil {
			m.control = new([controlSize]byte)
		}
		b := m.control[:unix.CmsgSpace(4*len(fds))]
		clear(b)
		binary.LittleEndian.PutUint64(b, uint64(unix.CmsgLen(4*len(fds))))
		binary.LittleEndian.PutUint32(b[8:], unix.SOL_SOCKET)
		binary.LittleEndian.PutUint32(b[12:], unix.SCM_RIGHTS)
		for i, fd := range fds {
			binary.LittleEndian.PutUint32(b[unix.CmsgLen(0)+4*i:], uint32(fd))
		}
		m.hdr.Control = &b[0]
		m.hdr.SetControllen(len(b))
	}
	return t.message(unix.SYS_SENDMSG, fd, m, flags.host()|unix.MSG_NOSIGNAL)
}

// Receive receives into guest memory. With room for descriptors, fds, all of
// them arrive, closed on exec: as many as fit in fds, of which the number is
// returned, the others closed. Without room the host drops them. Both, and
// a message longer than v, show in the flags returned.
func (t *Thread) Receive(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (
	n, nfds int, got MessageFlags, e syscall.Errno) {
	m.begin(v)
	if m.NameSender {
		m.hdr.Name = (*byte)(unsafe.Pointer(&m.name))
		m.hdr.Namelen = uint32(unsafe.Sizeof(m.name))
	}
	if len(fds) > 0 {
		if m.control == nil {
			m.control = new([controlSize]byte)
		}
		m.hdr.Control = &m.control[0]
		m.hdr.SetControllen(len(m.control))
	}
	n, e = t.message(unix.SYS_RECVMSG, fd, m, flags.host()|unix.MSG_CMSG_CLOEXEC)
	if e != 0 {
		return 0, 0, 0, e
	}
	for i := range messageFlags {
		if int(m.hdr.Flags)&messageFlags[i].host != 0 {
			got |= messageFlags[i].flag
		}
	}
	if len(fds) > 0 {
		var more bool
		nfds, more = m.take(fds)
		if more {
			got |= MsgFDsTruncated
		}
	}
	return n, nfds, got, 0
}

// Unattached returns how many bytes at the front of a local stream come before
// the first message that carries descriptors, 0 when that is the very first, and
// -1 when none of those that wait does. It takes nothing. When more than
// lookAhead bytes wait, it may return fewer.
//
// A read of Linux stops behind such a message, not before it, and nothing tells
// where one message ends and the next begins. But two things are known of a peek:
// it reports descriptors of anything in the queue, and ends behind the first
// message that has some; and of a message that cannot be stored to its end, none
// is taken. So a second peek, whose buffer is bad from the last byte of the first
// one on, ends exactly before that message.
func (t *Thread) Unattached(m *Message, fd int) (n int, e syscall.Errno) {
	if m.ahead == nil {
		m.ahead = make([]byte, lookAhead)
	}
	n, _, flags, e := t.ReceiveInto(m, fd, m.ahead, nil, MsgPeek|MsgDontWait)
	switch {
	case e != 0:
		return 0, e
	case flags&MsgFDsTruncated == 0:
		return -1, 0
	case n <= 1:
		return 0, 0
	}
	m.cut = [2]Iovec{{uint64(uintptr(unsafe.Pointer(unsafe.SliceData(m.ahead)))), uint64(n - 1)}, {neverMapped, 1}}
	n, _, _, e = t.Receive(m, fd, m.cut[:], nil, MsgPeek|MsgDontWait)
	if e == syscall.EFAULT {
		return 0, 0
	}
	return n, e
}

// lookAhead, in bytes, is more than Linux puts into one message of a stream.
const lookAhead = 128 << 10

// neverMapped is an address in the page where nobody can map anything (doc.go).
const neverMapped = 8

// Sender is the address that the last Receive has noted. It allocates nothing.
func (m *Message) Sender() (a Address) {
	switch {
	case m.hdr.Name == nil:
	case m.name.Addr.Family == unix.AF_INET && m.hdr.Namelen >= unix.SizeofSockaddrInet4:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&m.name))
		a.Family, a.Port = FamilyIPv4, in.Port<<8|in.Port>>8
		copy(a.IP[:], in.Addr[:])
	case m.name.Addr.Family == unix.AF_INET6 && m.hdr.Namelen >= unix.SizeofSockaddrInet6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&m.name))
		a.Family, a.Port, a.IP = FamilyIPv6, in.Port<<8|in.Port>>8, in.Addr
	}
	return a
}

// take copies the received descriptors to fds; more says that some had no room.
func (m *Message) take(fds []int32) (n int, more bool) {
	b := m.control[:min(int(m.hdr.Controllen), controlSize)]
	for len(b) >= unix.SizeofCmsghdr {
		size := binary.LittleEndian.Uint64(b)
		if size < unix.SizeofCmsghdr || size > uint64(len(b)) {
			break
		}
		data := b[unix.SizeofCmsghdr:size]
		if binary.LittleEndian.Uint32(b[8:]) == unix.SOL_SOCKET {
			switch binary.LittleEndian.Uint32(b[12:]) {
			case unix.SCM_RIGHTS:
				for ; len(data) >= 4; data = data[4:] {
					got := int32(binary.LittleEndian.Uint32(data))
					if n == len(fds) {
						_ = CloseFD(int(got))
						more = true
						continue
					}
					fds[n] = got
					n++
				}
			case scmPidFD: // asked for by whoever shares the socket
				if len(data) >= 4 {
					_ = CloseFD(int(int32(binary.LittleEndian.Uint32(data))))
				}
			}
		}
		b = b[min(uint64(len(b)), (size+7)&^7):]
	}
	return n, more
}

const scmPidFD = 4 // SCM_PIDFD, Linux 6.5

func (m *Message) begin(v []Iovec) {
	m.hdr = unix.Msghdr{}
	m.hdr.Iov = (*unix.Iovec)(unsafe.Pointer(unsafe.SliceData(v)))
	m.hdr.SetIovlen(len(v))
}

func (t *Thread) message(trap uintptr, fd int, m *Message, flags int) (int, syscall.Errno) {
	r, e := t.messageCall(trap, uintptr(fd), uintptr(unsafe.Pointer(&m.hdr)), uintptr(flags))
	runtime.KeepAlive(m)
	return int(r), e
}

// messageCall is a call of its own for the directive: it keeps what hdr points to
// on the heap.
//
//go:uintptrescapes
func (t *Thread) messageCall(trap, fd, hdr, flags uintptr) (uintptr, syscall.Errno) {
	return t.Syscall(trap, fd, hdr, flags, 0, 0, 0)
}

// connectPath connects a local socket to the one at a path, which has at most
// maxSocketPath bytes. It may block.
func (t *Thread) connectPath(m *Message, fd int, path string) syscall.Errno {
	size := m.setPath(path)
	_, e := t.messageCall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&m.name)), size)
	runtime.KeepAlive(m)
	return e
}

// maxSocketPath is the longest path in bytes that a socket address has room for.
const maxSocketPath = 107

func (m *Message) setPath(path string) (size uintptr) {
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(&m.name))
	*un = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i := range len(path) {
		un.Path[i] = int8(path[i])
	}
	return unsafe.Sizeof(*un)
}
