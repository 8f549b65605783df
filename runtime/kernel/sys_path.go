package kernel

import (
	"bytes"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The calls on names: what they create, remove and move is the last component of a
// path, and the host resolves everything before it so that it cannot lead out of
// the directory (host.Place).

// path copies a path in, once. The result stays valid until the thread's next call
// with the same i, 0 or 1. ENAMETOOLONG from host.MaxPath-1 bytes on, EILSEQ for one
// with a zero byte.
func (t *Thread) path(i int, addr, n uint64) ([]byte, abi.Errno) {
	if n >= host.MaxPath {
		return nil, abi.ENAMETOOLONG
	}
	if t.paths[i] == nil {
		t.paths[i] = make([]byte, host.MaxPath)
	}
	b := t.paths[i][:n+1]
	b[n] = 0
	if n == 0 {
		return b, 0
	}
	if err := t.proc.mem.CopyIn(b[:n], addr); err != nil {
		return nil, toErrno(err)
	}
	if bytes.IndexByte(b[:n], 0) >= 0 {
		return nil, abi.EILSEQ
	}
	return b, 0
}

// pathIn copies the path of n bytes at addr in, as the i-th of a call, and finds the
// directory that it begins in, which needs the right. The caller releases that.
func (t *Thread) pathIn(fd abi.FD, right abi.Rights, i int, addr, n uint64) (dir *object, path []byte, e abi.Errno) {
	if path, e = t.path(i, addr, n); e != 0 {
		return nil, nil, e
	}
	dir, e = t.proc.fds.get(fd, right)
	return dir, path, e
}

// lookup reads a lookup argument. EINVAL for flags that do not exist.
func lookup(a uint64) (fd abi.FD, follow bool, e abi.Errno) {
	l := abi.LookupFromArg(a)
	if l.Flags&^abi.LookupSymlinkFollow != 0 {
		return 0, false, abi.EINVAL
	}
	return l.FD, l.Flags&abi.LookupSymlinkFollow != 0, 0
}

// retry makes a host call until something other than an interruption without a
// kick comes of it. An interrupted one has done nothing.
func (t *Thread) retry(do func() syscall.Errno) abi.Errno {
	he := do()
	for t.interrupted(he) {
		he = do()
	}
	return t.blocked(he)
}

// at makes a host call on the place that a path leads to.
func (t *Thread) at(dir *object, path []byte, follow bool, do func(*host.Place) syscall.Errno) abi.Errno {
	return t.retry(func() syscall.Errno {
		p, he := t.Host.Lookup(dir.fd, path, follow)
		if he != 0 {
			return he
		}
		defer p.Close()
		return do(&p)
	})
}

// An end is one of the two places of a call that has two.
type end struct {
	fd     abi.FD
	right  abi.Rights
	follow bool
	path   []byte
}

// between makes a host call on two places.
func (t *Thread) between(from, to end, do func(from, to *host.Place) syscall.Errno) abi.Errno {
	a, e := t.proc.fds.get(from.fd, from.right)
	if e != 0 {
		return e
	}
	defer a.release()
	b, e := t.proc.fds.get(to.fd, to.right)
	if e != 0 {
		return e
	}
	defer b.release()
	return t.at(a, from.path, from.follow, func(pa *host.Place) syscall.Errno {
		pb, he := t.Host.Lookup(b.fd, to.path, to.follow)
		if he != 0 {
			return he
		}
		defer pb.Close()
		return do(pa, &pb)
	})
}

func fileCreate(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	make, need := t.Host.Mkdir, abi.RightFileCreateDirectory
	switch abi.Filetype(a[3]) {
	case abi.FiletypeDirectory:
	case abi.FiletypeFifo:
		make, need = t.Host.Mkfifo, abi.RightFileCreateFifo
	default:
		return 0, 0, abi.EINVAL
	}
	dir, path, e := t.pathIn(abi.FD(a[0]), need, 0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	return 0, 0, t.at(dir, path, false, make)
}

func fileLink(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	from, to := end{right: abi.RightFileLinkSource}, end{fd: abi.FD(a[3]), right: abi.RightFileLinkTarget}
	if from.fd, from.follow, e = lookup(a[0]); e != 0 {
		return 0, 0, e
	}
	if from.path, e = t.path(0, a[1], a[2]); e != 0 {
		return 0, 0, e
	}
	if to.path, e = t.path(1, a[4], a[5]); e != 0 {
		return 0, 0, e
	}
	return 0, 0, t.between(from, to, t.Host.Link)
}

func fileRename(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	from := end{fd: abi.FD(a[0]), right: abi.RightFileRenameSource}
	to := end{fd: abi.FD(a[3]), right: abi.RightFileRenameTarget}
	if from.path, e = t.path(0, a[1], a[2]); e != 0 {
		return 0, 0, e
	}
	if to.path, e = t.path(1, a[4], a[5]); e != 0 {
		return 0, 0, e
	}
	return 0, 0, t.between(from, to, func(pa, pb *host.Place) syscall.Errno {
		he := t.Host.Rename(pa, pb)
		if he == syscall.EBUSY && (pa.IsDot() || pb.IsDot()) {
			return syscall.EINVAL // as POSIX has it for "." and ".."
		}
		return he
	})
}

func fileSymlink(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	target, e := t.path(0, a[0], a[1])
	if e != 0 {
		return 0, 0, e
	}
	dir, path, e := t.pathIn(abi.FD(a[2]), abi.RightFileSymlink, 1, a[3], a[4])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	return 0, 0, t.at(dir, path, false, func(p *host.Place) syscall.Errno { return t.Host.Symlink(target, p) })
}

func fileUnlink(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	flags := abi.Ulflags(a[3])
	if flags&^abi.UnlinkRemovedir != 0 {
		return 0, 0, abi.EINVAL
	}
	dir, path, e := t.pathIn(abi.FD(a[0]), abi.RightFileUnlink, 0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	e = t.at(dir, path, false, func(p *host.Place) syscall.Errno {
		return t.Host.Unlink(p, flags&abi.UnlinkRemovedir != 0)
	})
	if e == abi.EISDIR {
		e = abi.EPERM // as POSIX has it
	}
	return 0, 0, e
}

func fileReadlink(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	dir, path, e := t.pathIn(abi.FD(a[0]), abi.RightFileReadlink, 0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	if t.paths[1] == nil {
		t.paths[1] = make([]byte, host.MaxPath)
	}
	text := t.paths[1][:host.MaxPath]
	e = t.at(dir, path, false, func(p *host.Place) syscall.Errno {
		n, he := t.Host.Readlink(p, t.paths[1])
		text = text[:n]
		return he
	})
	if e != 0 {
		return 0, 0, e
	}
	if text = text[:min(uint64(len(text)), a[4])]; len(text) == 0 {
		return 0, 0, 0
	}
	return uint64(len(text)), 0, toErrno(t.proc.mem.CopyOut(a[3], text))
}
