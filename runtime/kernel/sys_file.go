package kernel

import (
	"math"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func fileStatFget(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightFileStatFget)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	info, err := host.StatFD(o.fd)
	if err != nil {
		return 0, 0, errnoOf(err)
	}
	return 0, 0, t.putStat(a[1], &info, t.typeOf(o))
}

func fileStatGet(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, follow, e := lookup(a[0])
	if e != 0 {
		return 0, 0, e
	}
	dir, path, e := t.pathIn(fd, abi.RightFileStatGet, 0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	var info host.FileInfo
	if e := t.retry(func() (he syscall.Errno) {
		info, he = t.Host.StatPath(dir.fd, path, follow)
		return he
	}); e != 0 {
		return 0, 0, e
	}
	return 0, 0, t.putStat(a[3], &info, t.fileType(info.Kind))
}

func (t *Thread) putStat(addr uint64, info *host.FileInfo, typ abi.Filetype) abi.Errno {
	st := abi.Filestat{
		Dev:      abi.Device(info.Dev),
		Ino:      abi.Inode(info.Ino),
		Filetype: typ,
		Nlink:    abi.Linkcount(info.Nlink),
		Size:     abi.Filesize(info.Size),
		Atim:     abi.Timestamp(info.Atime),
		Mtim:     abi.Timestamp(info.Mtime),
		Ctim:     abi.Timestamp(info.Ctime),
	}
	st.Encode(t.buf[:])
	return toErrno(t.proc.mem.CopyOut(addr, t.buf[:abi.FilestatSize]))
}

const (
	fsAtime = abi.FsflagAtim | abi.FsflagAtimNow
	fsMtime = abi.FsflagMtim | abi.FsflagMtimNow
)

// times reads the times to be set. EINVAL for flags other than of times, and for
// two that contradict each other.
func times(st *abi.Filestat, flags abi.Fsflags) (atime, mtime host.FileTime, e abi.Errno) {
	if flags&^(fsAtime|fsMtime) != 0 || flags&fsAtime == fsAtime || flags&fsMtime == fsMtime {
		return atime, mtime, abi.EINVAL
	}
	switch {
	case flags&abi.FsflagAtim != 0:
		atime = host.FileTime{Kind: host.TimeAt, At: uint64(st.Atim)}
	case flags&abi.FsflagAtimNow != 0:
		atime.Kind = host.TimeNow
	}
	switch {
	case flags&abi.FsflagMtim != 0:
		mtime = host.FileTime{Kind: host.TimeAt, At: uint64(st.Mtim)}
	case flags&abi.FsflagMtimNow != 0:
		mtime.Kind = host.TimeNow
	}
	return atime, mtime, 0
}

// fileStatFput sets the size or the times, of which there must be one.
func fileStatFput(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, flags := abi.FD(a[0]), abi.Fsflags(a[2])
	if err := t.proc.mem.CopyIn(t.buf[:abi.FilestatSize], a[1]); err != nil {
		return 0, 0, toErrno(err)
	}
	var st abi.Filestat
	st.Decode(t.buf[:])
	if flags == abi.FsflagSize {
		o, e := t.proc.fds.get(fd, abi.RightFileStatFputSize)
		if e != 0 {
			return 0, 0, e
		}
		defer o.release()
		if st.Size > math.MaxInt64 {
			return 0, 0, abi.EINVAL
		}
		return 0, 0, t.storage(func() error { return host.Truncate(o.fd, int64(st.Size)) })
	}
	atime, mtime, e := times(&st, flags)
	if e != 0 || flags == 0 {
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(fd, abi.RightFileStatFputTimes)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	return 0, 0, t.retry(func() syscall.Errno { return t.Host.SetTimesFD(o.fd, atime, mtime) })
}

// fileStatPut sets times; without flags it only looks whether the file is there.
func fileStatPut(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, follow, e := lookup(a[0])
	if e != 0 {
		return 0, 0, e
	}
	if err := t.proc.mem.CopyIn(t.buf[:abi.FilestatSize], a[3]); err != nil {
		return 0, 0, toErrno(err)
	}
	var st abi.Filestat
	st.Decode(t.buf[:])
	atime, mtime, e := times(&st, abi.Fsflags(a[4]))
	if e != 0 {
		return 0, 0, e
	}
	dir, path, e := t.pathIn(fd, abi.RightFileStatPutTimes, 0, a[1], a[2])
	if e != 0 {
		return 0, 0, e
	}
	defer dir.release()
	return 0, 0, t.at(dir, path, follow, func(p *host.Place) syscall.Errno { return t.Host.SetTimes(p, atime, mtime) })
}

var fileAdvices = [...]host.FileAdvice{
	abi.AdviceDontneed:   host.FileAdviceDontNeed,
	abi.AdviceNoreuse:    host.FileAdviceNoReuse,
	abi.AdviceNormal:     host.FileAdviceNormal,
	abi.AdviceRandom:     host.FileAdviceRandom,
	abi.AdviceSequential: host.FileAdviceSequential,
	abi.AdviceWillneed:   host.FileAdviceWillNeed,
}

func fileAdvise(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	advice := abi.Advice(a[3])
	if advice < abi.AdviceDontneed || advice > abi.AdviceWillneed || a[1] > math.MaxInt64 || a[2] > math.MaxInt64 {
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightFileAdvise)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	return 0, 0, t.retry(func() syscall.Errno {
		return t.Host.AdviseFile(o.fd, int64(a[1]), int64(a[2]), fileAdvices[advice])
	})
}

func fileAllocate(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	if a[1] > math.MaxInt64 || a[2] > math.MaxInt64 || a[2] == 0 {
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightFileAllocate)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	return 0, 0, t.retry(func() syscall.Errno { return t.Host.Allocate(o.fd, int64(a[1]), int64(a[2])) })
}
