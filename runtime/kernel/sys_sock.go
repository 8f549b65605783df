package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func sockRecv(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	r := &t.recv
	switch {
	case !r.active:
		if e := t.recvBegin(a); e != 0 {
			return 0, 0, e
		}
		e = t.receive()
	case t.reenter(r.fd, r.obj):
		e = t.receive()
	default: // closed after a part has arrived, which is the guest's
	}
	t.unblock()
	if e == errRestart {
		if r.got == 0 {
			r.finish()
		}
		return 0, 0, e
	}
	if e == 0 {
		e = t.recvEnd()
	} else if r.fds > 0 {
		t.disown(r.fds)
	}
	r.finish()
	return 0, 0, e
}

// recvBegin reads and checks the arguments of sock_recv: nothing may be received
// that the guest cannot be told of.
func (t *Thread) recvBegin(a *[8]uint64) abi.Errno {
	r, mem := &t.recv, t.proc.mem
	fd := abi.FD(a[0])
	o, e := t.enter(fd, abi.RightFDRead)
	if e != 0 {
		return e
	}
	*r = recv{active: true, fd: fd, obj: o, out: a[2], cut: r.cut}
	if e = t.recvArguments(a[1]); e == 0 {
		err := mem.Check(r.out, abi.RecvOutSize, true)
		if err == nil {
			err = mem.Check(r.in.FDs, 4*min(r.in.FDsLen, host.MaxMessageFDs), true)
		}
		e = toErrno(err)
	}
	if e != 0 {
		t.unblock()
		r.finish()
	}
	return e
}

func (t *Thread) recvArguments(in uint64) (e abi.Errno) {
	r := &t.recv
	if err := t.proc.mem.CopyIn(t.buf[:abi.RecvInSize], in); err != nil {
		return toErrno(err)
	}
	r.in.Decode(t.buf[:])
	if r.in.Flags&^(abi.SockRecvPeek|abi.SockRecvWaitall) != 0 {
		return abi.EINVAL
	}
	if r.v, e = t.iovecs(r.in.Data, r.in.DataLen, true); e != 0 {
		return e
	}
	r.total = length(r.v)
	// Programs of 2016 can read who has sent a message. Streams do not tell.
	t.msg.NameSender = r.obj.kind == host.KindDatagramSocket && !r.obj.local && t.raw
	return 0
}

// recvEnd tells the guest what it has received.
func (t *Thread) recvEnd() abi.Errno {
	r := &t.recv
	if r.fds > 0 {
		if e := t.tell(r.in.FDs, r.fds); e != 0 {
			return e
		}
	}
	out := abi.RecvOut{Datalen: r.got, FDslen: uint64(r.fds), Flags: r.flags}
	switch {
	case t.msg.NameSender:
		out.Peername = sockaddr(t.msg.Sender())
	case r.obj.local && t.raw:
		out.Sockname.Family, out.Peername.Family = abi.AFUnix, abi.AFUnix
	}
	out.Encode(t.buf[:])
	err := t.proc.mem.CopyOut(r.out, t.buf[:abi.RecvOutSize])
	if err != nil && r.fds > 0 {
		t.disown(r.fds)
	}
	return toErrno(err)
}

func sockSend(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, e := t.enter(abi.FD(a[0]), abi.RightFDWrite)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	var in abi.SendIn
	if err := t.proc.mem.CopyIn(t.buf[:abi.SendInSize], a[1]); err != nil {
		return 0, 0, toErrno(err)
	}
	in.Decode(t.buf[:])
	if in.Flags&^abi.Siflags(abi.MsgEor) != 0 {
		return 0, 0, abi.EINVAL
	}
	if err := t.proc.mem.Check(a[2], abi.SendOutSize, true); err != nil {
		return 0, 0, toErrno(err)
	}
	v, e := t.iovecs(in.Data, in.DataLen, false)
	if e != 0 {
		return 0, 0, e
	}
	fds, e := t.pack(in.FDs, in.FDsLen)
	if e != 0 {
		return 0, 0, e
	}
	n, e := t.send(o, v, fds, abi.Msgflags(in.Flags))
	if len(fds) > 0 {
		t.pass.unpack(int(in.FDsLen), uint64(len(fds)) > in.FDsLen)
	}
	if e != 0 {
		return 0, 0, e
	}
	out := abi.SendOut{Datalen: n}
	out.Encode(t.buf[:])
	return 0, 0, toErrno(t.proc.mem.CopyOut(a[2], t.buf[:abi.SendOutSize]))
}

func (t *Thread) send(o *object, v []host.Iovec, fds []int32, flags abi.Msgflags) (uint64, abi.Errno) {
	switch {
	case len(fds) == 0:
	case !o.kind.Socket():
		return 0, abi.ENOTSOCK
	case !o.local:
		return 0, abi.EINVAL // Linux would drop them
	case o.kind == host.KindStreamSocket && length(v) == 0:
		return 0, abi.EMSGSIZE // nothing would be sent that they could go with
	}
	var hf host.MessageFlags
	if flags&abi.MsgEor != 0 {
		hf = host.MsgEndOfRecord
	}
	n, _, e := t.transfer(v, false, func() (int, syscall.Errno) { return t.Host.Send(&t.msg, o.fd, v, fds, hf) })
	return n, e
}

// length is the number of bytes that buffers have together.
func length(v []host.Iovec) (n uint64) {
	for i := range v {
		n += v[i].Len
	}
	return n
}

func sockShutdown(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	how := abi.Sdflags(a[1])
	if how == 0 || how&^(abi.ShutRD|abi.ShutWR) != 0 {
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightSockShutdown)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	return 0, 0, errnoOf(host.Shutdown(o.fd, how&abi.ShutRD != 0, how&abi.ShutWR != 0))
}
