package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func fdClose(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.proc.closeFD(abi.FD(a[0]))
}

func fdDup(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, e := t.proc.fds.dup(abi.FD(a[0]))
	return uint64(fd), 0, e
}

func fdReplace(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.proc.replaceFD(abi.FD(a[0]), abi.FD(a[1]))
}

func fdCreate1(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	typ := abi.Filetype(a[0])
	if kind, ok := socketKind(typ); ok {
		return t.newSocket(kind, typ)
	}
	switch typ {
	case abi.FiletypePoll:
		return t.createQueue()
	case abi.FiletypeSharedMemory:
	default:
		return 0, 0, abi.EINVAL
	}
	hfd, err := host.NewSharedObject("cloudabi-shm")
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	o := newObject(hfd, host.KindSharedMemory, abi.FiletypeSharedMemory)
	info, err := host.StatFD(hfd)
	if err != nil {
		o.release()
		return 0, 0, errnoOf(err)
	}
	o.id = objectID(info)
	fd, e := t.proc.fds.insert(o, rightsSharedMemory, 0)
	return uint64(fd), 0, e
}

func fdCreate2(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	typ := abi.Filetype(a[0])
	if typ == abi.FiletypeFifo {
		return t.pipe()
	}
	kind, ok := socketKind(typ)
	if !ok {
		return 0, 0, abi.EINVAL
	}
	ha, hb, err := host.SocketPair(kind)
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	fa, fb, e := t.proc.fds.pair(newObject(ha, kind, typ), newObject(hb, kind, typ), rightsSocket, rightsAll)
	return uint64(fa), uint64(fb), e
}

// pipe creates what pipe() of the C library asked for until 2016: the end to
// read and the end to write. Later ones ask for a pair of stream sockets.
func (t *Thread) pipe() (r0, r1 uint64, e abi.Errno) {
	hr, hw, err := host.Pipe()
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	w := newObject(hw, host.KindPipe, abi.FiletypeFifo)
	fr, e := t.proc.fds.insert(newObject(hr, host.KindPipe, abi.FiletypeFifo), rightsFifo|abi.RightFDRead, 0)
	if e != 0 {
		w.release()
		return 0, 0, e
	}
	fw, e := t.proc.fds.insert(w, rightsFifo|abi.RightFDWrite, 0)
	if e != 0 {
		_ = t.proc.fds.close(fr) // nobody has been told the number
		return 0, 0, e
	}
	return uint64(fr), uint64(fw), 0
}

func fdSeek(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, off, whence := abi.FD(a[0]), int64(a[1]), abi.Whence(a[2])
	need, hw := abi.RightFDSeek, 0
	switch whence {
	case abi.WhenceCur:
		hw = host.SeekCur
		if off == 0 {
			need = abi.RightFDTell
		}
	case abi.WhenceEnd:
		hw = host.SeekEnd
	case abi.WhenceSet:
		hw = host.SeekSet
	default:
		return 0, 0, abi.EINVAL
	}
	en, e := t.proc.fds.entry(fd, 0)
	if e != 0 {
		return 0, 0, e
	}
	defer en.obj.release()
	// The right to seek includes the right to tell.
	if en.base&need == 0 && en.base&abi.RightFDSeek == 0 {
		return 0, 0, abi.ENOTCAPABLE
	}
	pos, err := host.Seek(en.obj.fd, off, hw)
	return uint64(pos), 0, errnoOf(err)
}

func fdSync(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.sync(abi.FD(a[0]), abi.RightFDSync, false)
}

func fdDatasync(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.sync(abi.FD(a[0]), abi.RightFDDatasync, true)
}

func (t *Thread) sync(fd abi.FD, right abi.Rights, dataOnly bool) abi.Errno {
	o, e := t.proc.fds.get(fd, right)
	if e != 0 {
		return e
	}
	defer o.release()
	he := t.Host.Sync(o.fd, dataOnly)
	for t.interrupted(he) {
		he = t.Host.Sync(o.fd, dataOnly)
	}
	return t.blocked(he)
}

func fdStatGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	en, e := t.proc.fds.entry(abi.FD(a[0]), 0)
	if e != 0 {
		return 0, 0, e
	}
	defer en.obj.release()
	st := abi.Fdstat{
		Filetype:         t.typeOf(en.obj),
		RightsBase:       en.base,
		RightsInheriting: en.inheriting,
	}
	if !t.raw {
		st.RightsBase &^= rights2016
		st.RightsInheriting &^= rights2016
	}
	flags, err := host.Status(en.obj.fd)
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	for _, f := range statusFlags {
		if flags&f.host != 0 {
			st.Flags |= f.guest
		}
	}
	st.Encode(t.buf[:])
	return 0, 0, toErrno(t.proc.mem.CopyOut(a[1], t.buf[:abi.FdstatSize]))
}

// typeOf is the type that the thread's version of the ABI has for an object: until
// 2016-08 pipes had one of their own.
func (t *Thread) typeOf(o *object) abi.Filetype {
	if o.kind == host.KindPipe && t.raw {
		return abi.FiletypeFifo
	}
	return o.typ
}

// statusFlags pairs the flags of the two sides. Linux has no rsync of its own.
var statusFlags = [...]struct {
	host  host.StatusFlags
	guest abi.Fdflags
}{
	{host.FlagAppend, abi.FdflagAppend},
	{host.FlagNonblock, abi.FdflagNonblock},
	{host.FlagDSync, abi.FdflagDsync},
	{host.FlagSync, abi.FdflagSync},
}

const allFdflags = abi.FdflagAppend | abi.FdflagDsync | abi.FdflagNonblock | abi.FdflagRsync | abi.FdflagSync

func fdStatPut(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd := abi.FD(a[0])
	if err := t.proc.mem.CopyIn(t.buf[:abi.FdstatSize], a[1]); err != nil {
		return 0, 0, toErrno(err)
	}
	var st abi.Fdstat
	st.Decode(t.buf[:])
	switch abi.Fdsflags(a[2]) {
	case abi.FdsflagFlags:
		return 0, 0, t.putFlags(fd, st.Flags)
	case abi.FdsflagRights:
		return 0, 0, t.proc.fds.restrict(fd, st.RightsBase, st.RightsInheriting)
	}
	return 0, 0, abi.EINVAL
}

func (t *Thread) putFlags(fd abi.FD, flags abi.Fdflags) abi.Errno {
	if flags&^allFdflags != 0 {
		return abi.EINVAL
	}
	o, e := t.proc.fds.get(fd, abi.RightFDStatPutFlags)
	if e != 0 {
		return e
	}
	defer o.release()
	if flags&abi.FdflagRsync != 0 {
		return abi.ENOTSUP
	}
	var hf host.StatusFlags
	for _, f := range statusFlags {
		if flags&f.guest != 0 {
			hf |= f.host
		}
	}
	if hf&host.FlagSync != 0 {
		hf &^= host.FlagDSync // the stronger one contains it
	}
	return errnoOf(host.SetStatus(o.fd, hf))
}
