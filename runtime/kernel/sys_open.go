package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

const allOflags = abi.OCreat | abi.ODirectory | abi.OExcl | abi.OTrunc

// Base rights that need the host's file to be open for reading, or for writing.
const (
	rightsThatRead  = abi.RightFDRead | abi.RightFileReaddir | abi.RightMemMapExec
	rightsThatWrite = abi.RightFDDatasync | abi.RightFDWrite | abi.RightFileAllocate | abi.RightFileStatFputSize
)

// An opening is a file_open, checked and converted.
type opening struct {
	flags            host.OpenFlags
	base, inheriting abi.Rights // asked for
	dirBase          abi.Rights // what the directory's descriptor needs
	dirInheriting    abi.Rights
	syncs            bool // one of fd_datasync and fd_sync must be inherited, too
}

// newOpening converts the arguments, the rights as cloudabi-utils' sys_file_open
// does. Rights that have a place of their own in the ABI text (fd_sync covers
// fdflags.dsync) follow the text.
func newOpening(oflags abi.Oflags, st *abi.Fdstat, follow bool) (o opening, e abi.Errno) {
	// A directory is created by file_create; hosts differ in what this would mean.
	const both = abi.OCreat | abi.ODirectory
	if oflags&^allOflags != 0 || st.Flags&^allFdflags != 0 || oflags&both == both {
		return o, abi.EINVAL
	}
	o = opening{base: st.RightsBase, inheriting: st.RightsInheriting,
		dirBase: abi.RightFileOpen, dirInheriting: st.RightsBase | st.RightsInheriting}
	write := o.base&rightsThatWrite != 0
	if write {
		o.flags |= host.OpenWrite
	}
	if o.base&rightsThatRead != 0 || !write {
		o.flags |= host.OpenRead
	}
	if follow {
		o.flags |= host.OpenFollow
	}
	if oflags&abi.OCreat != 0 {
		o.flags |= host.OpenCreate
		o.dirBase |= abi.RightFileCreateFile
	}
	if oflags&abi.ODirectory != 0 {
		o.flags |= host.OpenDirectory
	}
	if oflags&abi.OExcl != 0 {
		o.flags |= host.OpenExclusive
	}
	if oflags&abi.OTrunc != 0 {
		o.flags |= host.OpenTruncate
		o.dirInheriting |= abi.RightFileStatFputSize
	}
	if st.Flags&abi.FdflagAppend != 0 {
		o.flags |= host.OpenAppend
	}
	if st.Flags&abi.FdflagNonblock != 0 {
		o.flags |= host.OpenNonblock
	}
	if st.Flags&abi.FdflagDsync != 0 {
		o.flags |= host.OpenDSync
		o.syncs = true
	}
	if st.Flags&(abi.FdflagRsync|abi.FdflagSync) != 0 {
		o.flags |= host.OpenSync
		o.dirInheriting |= abi.RightFDSync
	}
	// Whoever may write only at the end, or only after what was there is gone, need
	// not be able to choose the place.
	if write && o.flags&(host.OpenAppend|host.OpenTruncate) == 0 {
		o.dirInheriting |= abi.RightFDSeek
	}
	return o, 0
}

// allowed checks the rights of the directory's descriptor.
func (o *opening) allowed(dir *entry) bool {
	return o.dirBase&^dir.base == 0 && o.dirInheriting&^dir.inheriting == 0 &&
		(!o.syncs || dir.inheriting&(abi.RightFDDatasync|abi.RightFDSync) != 0)
}

func fileOpen(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, follow, e := lookup(a[0])
	if e != 0 {
		return 0, 0, e
	}
	if err := t.proc.mem.CopyIn(t.buf[:abi.FdstatSize], a[4]); err != nil {
		return 0, 0, toErrno(err)
	}
	var st abi.Fdstat
	st.Decode(t.buf[:])
	o, e := newOpening(abi.Oflags(a[3]), &st, follow)
	if e != 0 {
		return 0, 0, e
	}
	path, e := t.path(0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	dir, e := t.proc.fds.entry(fd, 0)
	if e != 0 {
		return 0, 0, e
	}
	defer dir.obj.release()
	if !o.allowed(dir) {
		return 0, 0, abi.ENOTCAPABLE
	}
	hfd := -1
	e = t.retry(func() (he syscall.Errno) {
		hfd, he = t.Host.Open(dir.obj.fd, path, o.flags)
		return he
	})
	if e == abi.ENXIO && t.Host.IsSocket(dir.obj.fd, path, follow) {
		e = abi.ENOTSUP // Linux has ENXIO; other hosts, and upstream, have this
	}
	if e != 0 {
		return 0, 0, e
	}
	return t.opened(hfd, &o)
}

// opened gives a host descriptor, which it takes over, a number, with those of the
// rights asked for that its type knows.
func (t *Thread) opened(hfd int, o *opening) (r0, r1 uint64, e abi.Errno) {
	info, err := host.StatFD(hfd)
	if err != nil {
		_ = host.CloseFD(hfd)
		return 0, 0, errnoOf(err)
	}
	typ, base, inheriting, ok := typeRights(info.Kind)
	if !ok {
		_ = host.CloseFD(hfd)
		return 0, 0, abi.ENOTSUP
	}
	if info.Kind == host.KindPipe && t.raw {
		typ, base, inheriting = abi.FiletypeFifo, rightsFifo|abi.RightFDRead|abi.RightFDWrite, 0
	}
	obj := newObject(hfd, info.Kind, typ)
	obj.id = objectID(info)
	fd, e := t.proc.fds.insert(obj, o.base&base, o.inheriting&inheriting)
	return uint64(fd), 0, e
}
