//go:build linux && amd64

package host

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The host calls that take paths. Those are zero-terminated slices of the Go heap;
// they go through call, whose directive keeps them there and alive. Any of them may
// wait, for a network or for the other end of a FIFO, and then answers EINTR to a
// kick, with nothing done.

//go:uintptrescapes
func (t *Thread) call(trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, syscall.Errno) {
	return t.Syscall(trap, a1, a2, a3, a4, a5, a6)
}

func str(b []byte) unsafe.Pointer {
	if b[len(b)-1] != 0 {
		panic("host: a path without its zero byte")
	}
	return unsafe.Pointer(unsafe.SliceData(b))
}

// openHow is openat2 with t.how.
func (t *Thread) openHow(dir int, path []byte) (int, syscall.Errno) {
	fd, e := t.call(unix.SYS_OPENAT2, uintptr(dir), uintptr(str(path)), uintptr(unsafe.Pointer(&t.how)),
		unix.SizeofOpenHow, 0, 0)
	return int(fd), e
}

func (t *Thread) openat(dir int, path []byte, flags, mode uint64) (int, syscall.Errno) {
	fd, e := t.call(unix.SYS_OPENAT, uintptr(dir), uintptr(str(path)), uintptr(flags), uintptr(mode), 0, 0)
	return int(fd), e
}

// readlinkat reads a symbolic link into buf, which is not empty; with an empty path
// that which dir is.
func (t *Thread) readlinkat(dir int, path, buf []byte) (int, syscall.Errno) {
	n, e := t.call(unix.SYS_READLINKAT, uintptr(dir), uintptr(str(path)), uintptr(unsafe.Pointer(unsafe.SliceData(buf))),
		uintptr(len(buf)), 0, 0)
	return int(n), e
}

// fstatat does not follow a symbolic link.
func (t *Thread) fstatat(dir int, path []byte, st *unix.Stat_t) syscall.Errno {
	_, e := t.call(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(str(path)), uintptr(unsafe.Pointer(st)),
		unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	return e
}

// Mkdir creates a directory.
func (t *Thread) Mkdir(p *Place) syscall.Errno {
	_, e := t.call(unix.SYS_MKDIRAT, uintptr(p.Dir), uintptr(str(p.entry())), 0o777, 0, 0, 0)
	return e
}

// Mkfifo creates a FIFO.
func (t *Thread) Mkfifo(p *Place) syscall.Errno {
	_, e := t.call(unix.SYS_MKNODAT, uintptr(p.Dir), uintptr(str(p.entry())), unix.S_IFIFO|0o666, 0, 0, 0)
	return e
}

// Symlink creates a symbolic link that reads as target, a zero-terminated slice.
func (t *Thread) Symlink(target []byte, p *Place) syscall.Errno {
	_, e := t.call(unix.SYS_SYMLINKAT, uintptr(str(target)), uintptr(p.Dir), uintptr(str(p.entry())), 0, 0, 0)
	return e
}

// Unlink removes a name; with dir set an empty directory, else anything but one.
func (t *Thread) Unlink(p *Place, dir bool) syscall.Errno {
	flags := uintptr(0)
	if dir {
		flags = unix.AT_REMOVEDIR
	}
	_, e := t.call(unix.SYS_UNLINKAT, uintptr(p.Dir), uintptr(str(p.entry())), flags, 0, 0, 0)
	return e
}

// Rename moves from to to, whatever is there.
func (t *Thread) Rename(from, to *Place) syscall.Errno {
	_, e := t.call(unix.SYS_RENAMEAT2, uintptr(from.Dir), uintptr(str(from.entry())),
		uintptr(to.Dir), uintptr(str(to.entry())), 0, 0)
	return e
}

// Link makes to another name of what is at from, a symbolic link too.
func (t *Thread) Link(from, to *Place) syscall.Errno {
	if from.Slash {
		if _, e := t.statPlace(from); e != 0 {
			return e
		}
	}
	_, e := t.call(unix.SYS_LINKAT, uintptr(from.Dir), uintptr(str(from.name())),
		uintptr(to.Dir), uintptr(str(to.entry())), 0, 0)
	return e
}

// Readlink reads a symbolic link, as much as fits.
func (t *Thread) Readlink(p *Place, buf []byte) (int, syscall.Errno) {
	if p.Slash {
		if _, e := t.statPlace(p); e != 0 {
			return 0, e
		}
	}
	return t.readlinkat(p.Dir, p.name(), buf)
}

// SetTimes sets the times of what is at p, even of a symbolic link.
func (t *Thread) SetTimes(p *Place, atime, mtime FileTime) syscall.Errno {
	// The host does not look whether the file exists when both are to be kept.
	if p.Slash || atime.Kind == TimeKeep && mtime.Kind == TimeKeep {
		if _, e := t.statPlace(p); e != 0 {
			return e
		}
	}
	ts := [2]unix.Timespec{atime.timespec(), mtime.timespec()}
	_, e := t.call(unix.SYS_UTIMENSAT, uintptr(p.Dir), uintptr(str(p.name())), uintptr(unsafe.Pointer(&ts)),
		unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	return e
}

// SetTimesFD sets the times of an open file.
func (t *Thread) SetTimesFD(fd int, atime, mtime FileTime) syscall.Errno {
	ts := [2]unix.Timespec{atime.timespec(), mtime.timespec()}
	_, e := t.call(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	return e
}

func (f FileTime) timespec() unix.Timespec {
	switch f.Kind {
	case TimeNow:
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	case TimeAt:
		return unix.Timespec{Sec: int64(f.At / 1_000_000_000), Nsec: int64(f.At % 1_000_000_000)}
	}
	return unix.Timespec{Nsec: unix.UTIME_OMIT}
}

// getdents reads entries of a directory into buf; 0 bytes at its end.
func (t *Thread) getdents(fd int, buf []byte) (int, syscall.Errno) {
	n, e := t.call(unix.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))),
		uintptr(len(buf)), 0, 0, 0)
	return int(n), e
}
