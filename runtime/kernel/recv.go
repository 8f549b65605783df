package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// recv is the state of a thread's sock_recv. When a part of what the call waits
// for has arrived, it outlives an interruption by a kick.
type recv struct {
	active bool
	fd     abi.FD
	obj    *object
	in     abi.RecvIn
	out    uint64 // guest address of the RecvOut
	v      []host.Iovec
	total  uint64 // bytes of room
	got    uint64 // bytes stored so far
	fds    int    // descriptors in the table so far
	flags  abi.Roflags
	more   bool         // a message was taken whose descriptors nobody wants
	cut    []host.Iovec // scratch: a part of v
}

// finish ends the call, or abandons one whose thread ends in it.
func (r *recv) finish() {
	if r.active {
		r.obj.release()
		r.active, r.obj = false, nil
	}
}

// part returns the buffers from byte off on, n bytes at most.
func (r *recv) part(off, n uint64) []host.Iovec {
	if off == 0 && n >= r.total {
		return r.v
	}
	r.cut = r.cut[:0]
	for _, b := range r.v {
		if off >= b.Len {
			off -= b.Len
			continue
		}
		b.Addr, b.Len = b.Addr+off, min(b.Len-off, n)
		off, n = 0, n-b.Len
		r.cut = append(r.cut, b)
		if n == 0 {
			break
		}
	}
	return r.cut
}

// room returns where the host is to put descriptors: nowhere when the guest has
// no place for them, or else all there can be, so that none gets lost unseen.
func (t *Thread) room() []int32 {
	if t.recv.in.FDsLen == 0 {
		return nil
	}
	return t.passing().host[:]
}

// took notes what a receiving host call has brought.
func (t *Thread) took(n, nfds int, got host.MessageFlags) {
	r := &t.recv
	r.got += uint64(n)
	if got&host.MsgTruncated != 0 {
		r.flags |= abi.SockRecvDataTruncated
	}
	if got&host.MsgEndOfRecord != 0 {
		r.flags |= abi.Roflags(abi.MsgEor)
	}
	if r.in.FDsLen == 0 {
		return // the host has dropped them, as the guest wished
	}
	cut := false
	r.fds, cut = t.adopt(nfds, r.in.FDsLen, got&host.MsgFDsTruncated != 0)
	if cut {
		r.flags |= abi.SockRecvFDsTruncated
	}
}

// receive receives one message, or what there is of a stream.
func (t *Thread) receive() abi.Errno {
	r := &t.recv
	switch {
	case r.obj.attaches:
		return t.receiveAttaching()
	case r.obj.kind == host.KindStreamSocket:
		return t.receiveStream()
	case t.aliased(r.v):
		return t.receiveCopy()
	}
	n, nfds, got, he := t.Host.Receive(&t.msg, r.obj.fd, r.v, t.room(), r.hostFlags())
	for t.interrupted(he) {
		n, nfds, got, he = t.Host.Receive(&t.msg, r.obj.fd, r.v, t.room(), r.hostFlags())
	}
	if he == 0 {
		t.took(n, nfds, got)
	}
	return t.blocked(he)
}

// readSocket is fd_read on a socket. Nothing is left over when a kick interrupts
// it.
func (t *Thread) readSocket(o *object, v []host.Iovec) (n uint64, e abi.Errno) {
	r := &t.recv
	*r = recv{obj: o, v: v, total: length(v), cut: r.cut}
	t.msg.NameSender = false
	e = t.receive()
	return r.got, e
}

func (r *recv) hostFlags() (f host.MessageFlags) {
	if r.in.Flags&abi.SockRecvPeek != 0 {
		f |= host.MsgPeek
	}
	return f
}

// whole says that the call goes on until there is no room left.
func (r *recv) whole() bool {
	return r.in.Flags&(abi.SockRecvWaitall|abi.SockRecvPeek) == abi.SockRecvWaitall
}

// receiveStream receives from a stream that cannot carry descriptors.
func (t *Thread) receiveStream() abi.Errno {
	r := &t.recv
	flags := r.hostFlags()
	if r.whole() {
		flags |= host.MsgWaitAll
	}
	for {
		var got host.MessageFlags
		v := r.part(r.got, r.total-r.got)
		n, _, e := t.transfer(v, true, func() (n int, he syscall.Errno) {
			n, _, got, he = t.Host.Receive(&t.msg, r.obj.fd, v, nil, flags)
			return n, he
		})
		if e == 0 {
			t.took(int(n), 0, got&^host.MsgFDsTruncated)
		}
		if done, e := r.step(n, e); done {
			return e
		}
	}
}

// step tells whether a stream's transfer of n bytes, or its failure, ends the call.
func (r *recv) step(n uint64, e abi.Errno) (done bool, _ abi.Errno) {
	switch {
	case e == errRestart && (r.whole() || r.got == 0):
		return true, e // what has arrived stays noted
	case e != 0 && r.got > 0:
		return true, 0
	case e != 0 || !r.whole() && !r.more || n == 0 || r.fds > 0 || r.got >= r.total:
		return true, e
	}
	return false, 0
}

// receiveAttaching receives from a stream that may carry descriptors. What comes
// before a message that has some, and that message, are not received together:
// the guest could not tell which bytes the descriptors belong to, and a call
// without room for them would lose those of a message that it was not after.
func (t *Thread) receiveAttaching() abi.Errno {
	r := &t.recv
	if r.total == 0 {
		if r.in.FDsLen == 0 {
			return 0
		}
		n, nfds, got, he := t.Host.Receive(&t.msg, r.obj.fd, r.v, t.room(), r.hostFlags()|host.MsgDontWait)
		if he == syscall.EAGAIN {
			return 0 // without room for a byte there is nothing to wait for
		}
		if he == 0 {
			t.took(n, nfds, got)
		}
		return t.blocked(he)
	}
	for {
		before := r.got
		e := t.receivePiece()
		if e == errPieceEnds {
			return 0
		}
		if done, e := r.step(r.got-before, e); done {
			return e
		}
	}
}

// errPieceEnds says that a message with descriptors comes next, which must not be
// added to what has been received.
const errPieceEnds abi.Errno = 0xff00

// receivePiece receives what there is of a stream up to a message with descriptors,
// or that message. It looks before it takes: the host would not stop in time.
func (t *Thread) receivePiece() abi.Errno {
	r := &t.recv
	rest, look := r.total-r.got, host.MsgPeek
	if r.more && !r.whole() {
		look |= host.MsgDontWait // only what is there already belongs to this read
	}
	for {
		var got host.MessageFlags
		v := r.part(r.got, rest)
		seen, _, e := t.transfer(v, true, func() (n int, he syscall.Errno) {
			n, _, got, he = t.Host.Receive(&t.msg, r.obj.fd, v, nil, look)
			return n, he
		})
		if e == abi.EINVAL {
			return abi.ENOTCONN // Linux names only sockets of messages so
		}
		if e != 0 {
			return e
		}
		plain, room := got&host.MsgFDsTruncated == 0, t.room()
		if plain && (seen == 0 || r.in.Flags&abi.SockRecvPeek != 0) {
			r.got += seen
			return 0
		}
		if !plain {
			n, he := t.Host.Unattached(&t.msg, r.obj.fd)
			switch {
			case he == syscall.EAGAIN || t.interrupted(he) || he == 0 && n < 0:
				continue // another reader has been faster
			case he != 0:
				return t.blocked(he)
			case n > 0:
				seen = min(seen, uint64(n))
				if r.in.Flags&abi.SockRecvPeek != 0 {
					room = nil // a peek brings the descriptors of what comes behind
				}
			case r.got > 0:
				return errPieceEnds
			default:
				// The host stops behind this message. Where descriptors are of no
				// interest, what follows is the same stream of bytes.
				r.more = r.in.FDsLen == 0 && r.in.Flags&abi.SockRecvPeek == 0
			}
		}
		v = r.part(r.got, seen)
		n, nfds, got, he := t.Host.Receive(&t.msg, r.obj.fd, v, room, r.hostFlags()|host.MsgDontWait)
		if room == nil {
			got &^= host.MsgFDsTruncated
		}
		switch {
		case he == 0:
			t.took(n, nfds, got)
			return 0
		case he == syscall.EAGAIN || he == syscall.EFAULT || t.interrupted(he):
			// Another reader, or code was translated in between: the next look, which
			// stores the same bytes, says more.
		default:
			return t.blocked(he)
		}
	}
}

// aliased tells whether one of the buffers may become write-protected during a
// host call.
func (t *Thread) aliased(v []host.Iovec) bool {
	for i := range v {
		if t.proc.mem.Aliased(v[i].Addr, v[i].Len) {
			return true
		}
	}
	return false
}

// bounceSize is the longest datagram in bytes that hosts send by default.
const bounceSize = 256 << 10

// receiveCopy receives a message by way of a buffer of ours. The host would drop a
// message that it cannot store, and the pages of these buffers may be
// write-protected at any moment.
func (t *Thread) receiveCopy() abi.Errno {
	r := &t.recv
	size := uint64(bounceSize)
	if r.total > size {
		n, _, _, he := t.Host.Receive(&t.msg, r.obj.fd, nil, nil, host.MsgPeek|host.MsgTruncated)
		for t.interrupted(he) {
			n, _, _, he = t.Host.Receive(&t.msg, r.obj.fd, nil, nil, host.MsgPeek|host.MsgTruncated)
		}
		if he != 0 {
			return t.blocked(he)
		}
		size = max(size, uint64(n))
	}
	if uint64(len(t.bounce)) < size {
		t.bounce = make([]byte, size)
	}
	b := t.bounce[:min(r.total, size)]
	n, nfds, got, he := t.Host.ReceiveInto(&t.msg, r.obj.fd, b, t.room(), r.hostFlags())
	for t.interrupted(he) {
		n, nfds, got, he = t.Host.ReceiveInto(&t.msg, r.obj.fd, b, t.room(), r.hostFlags())
	}
	if he != 0 {
		return t.blocked(he)
	}
	t.took(n, nfds, got)
	return t.scatter(b[:n], r.v)
}

// scatter copies b to the buffers in turn.
func (t *Thread) scatter(b []byte, v []host.Iovec) abi.Errno {
	for i := range v {
		n := min(uint64(len(b)), v[i].Len)
		if err := t.proc.mem.CopyOut(v[i].Addr, b[:n]); err != nil {
			return toErrno(err)
		}
		b = b[n:]
	}
	return 0
}
