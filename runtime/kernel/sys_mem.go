package kernel

import (
	"math"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/memory"
)

const allMflags = abi.MapAnon | abi.MapFixed | abi.MapPrivate | abi.MapShared

func memMap(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	prot, flags, fd := abi.Mprot(a[2]), abi.Mflags(a[3]), abi.FD(a[4])
	r := memory.Request{Addr: a[0], Len: a[1], Prot: prot, Fixed: flags&abi.MapFixed != 0}
	switch flags & (abi.MapPrivate | abi.MapShared) {
	case abi.MapPrivate:
	case abi.MapShared:
		r.Shared = true
	default:
		return 0, 0, abi.EINVAL
	}
	if flags&^allMflags != 0 {
		return 0, 0, abi.EINVAL
	}
	if flags&abi.MapAnon != 0 {
		if fd != abi.FDMapAnon || a[5] != 0 {
			return 0, 0, abi.EINVAL
		}
	} else {
		o, e := t.proc.fds.get(fd, mapRights(prot, r.Shared))
		if e != 0 {
			return 0, 0, e
		}
		defer o.release()
		if a[5] > math.MaxInt64 {
			return 0, 0, abi.EINVAL
		}
		r.Off = int64(a[5])
		r.Object = &memory.Object{FD: o.fd, ID: o.id, Ref: o}
	}
	addr, err := t.proc.mem.Map(r)
	return addr, 0, toErrno(err)
}

// mapRights returns what a descriptor needs for a mapping (spec, "flags uint64
// rights"). Writing to a private mapping changes only a copy, so it takes the
// right to read.
func mapRights(prot abi.Mprot, shared bool) abi.Rights {
	need := abi.RightMemMap
	if prot&abi.ProtRead != 0 || prot&abi.ProtWrite != 0 && !shared {
		need |= abi.RightFDRead
	}
	if prot&abi.ProtWrite != 0 && shared {
		need |= abi.RightFDWrite
	}
	if prot&abi.ProtExec != 0 {
		need |= abi.RightMemMapExec
	}
	return need
}

func memUnmap(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, toErrno(t.proc.mem.Unmap(a[0], a[1]))
}

func memProtect(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, toErrno(t.proc.mem.Protect(a[0], a[1], abi.Mprot(a[2])))
}

func memAdvise(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, toErrno(t.proc.mem.Advise(a[0], a[1], abi.Advice(a[2])))
}

func memSync(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.storage(func() error { return t.proc.mem.Sync(a[0], a[1], abi.Msflags(a[2])) })
}

func memLock(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.lockPages(a[0], a[1], true)
}

func memUnlock(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return 0, 0, t.lockPages(a[0], a[1], false)
}

// lockPages pins readable guest pages, or releases them. The host counts no
// locks: one unlock undoes any number of them, which POSIX allows.
func (t *Thread) lockPages(addr, n uint64, lock bool) abi.Errno {
	if t.proc.mem.Check(addr, n, false) != nil {
		return abi.ENOMEM
	}
	he := t.Host.LockMemory(addr, n, lock)
	for t.interrupted(he) {
		he = t.Host.LockMemory(addr, n, lock)
	}
	return t.blocked(he)
}
