package kernel

import (
	"math"

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
	st := abi.Filestat{
		Dev:      abi.Device(info.Dev),
		Ino:      abi.Inode(info.Ino),
		Filetype: o.typ,
		Nlink:    abi.Linkcount(info.Nlink),
		Size:     abi.Filesize(info.Size),
		Atim:     abi.Timestamp(timestamp(info.Atime)),
		Mtim:     abi.Timestamp(timestamp(info.Mtime)),
		Ctim:     abi.Timestamp(timestamp(info.Ctime)),
	}
	st.Encode(t.buf[:])
	return 0, 0, toErrno(t.proc.mem.CopyOut(a[1], t.buf[:abi.FilestatSize]))
}

const fsTimes = abi.FsflagAtim | abi.FsflagAtimNow | abi.FsflagMtim | abi.FsflagMtimNow

func fileStatFput(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	fd, flags := abi.FD(a[0]), abi.Fsflags(a[2])
	if err := t.proc.mem.CopyIn(t.buf[:abi.FilestatSize], a[1]); err != nil {
		return 0, 0, toErrno(err)
	}
	var st abi.Filestat
	st.Decode(t.buf[:])
	switch {
	case flags == abi.FsflagSize:
		o, e := t.proc.fds.get(fd, abi.RightFileStatFputSize)
		if e != 0 {
			return 0, 0, e
		}
		defer o.release()
		if st.Size > math.MaxInt64 {
			return 0, 0, abi.EINVAL
		}
		return 0, 0, t.storage(func() error { return host.Truncate(o.fd, int64(st.Size)) })
	case flags&fsTimes != 0 && flags&^fsTimes == 0:
		return 0, 0, abi.ENOSYS // not built yet
	}
	return 0, 0, abi.EINVAL
}
