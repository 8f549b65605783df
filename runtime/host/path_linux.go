//go:build amd64

package host

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// haveOpenat2 tells whether the host resolves paths by itself: Linux 5.6 does,
// unless a filter of system calls that does not know openat2 lies before it.
var haveOpenat2 = sync.OnceValue(func() bool {
	_, err := unix.Openat2(-1, ".", &unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_BENEATH})
	return errors.Is(err, unix.EBADF)
})

// Links of /proc lead to what has no path; they count as what they read as, which
// path_walk.go does.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// errWalk is openat2's for "resolve it component by component".
const errWalk syscall.Errno = Escape + 1

// openat2 opens a path beneath dir, or answers errWalk.
func (t *Thread) openat2(dir int, path []byte, flags, mode uint64) (int, syscall.Errno) {
	if walkOnly.Load() || !haveOpenat2() {
		return -1, errWalk
	}
	t.how = unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Mode: mode, Resolve: beneath}
	for range maxRaces {
		fd, e := t.openHow(dir, path)
		switch e {
		case syscall.EXDEV:
			return -1, Escape
		case syscall.EAGAIN:
			// Something was renamed while ".." was on the way, somewhere in the system.
			continue
		case syscall.ELOOP:
			return -1, errWalk // a loop, a link of /proc, or a link that is not to be followed
		}
		return fd, e
	}
	return -1, errWalk
}

const openDir = unix.O_PATH | unix.O_DIRECTORY

// Lookup resolves a path up to its last component. That is followed if it is a
// symbolic link and follow is set or slashes come after it.
func (t *Thread) Lookup(dir int, path []byte, follow bool) (Place, syscall.Errno) {
	s, e := splitPath(path)
	if e != 0 {
		return Place{}, e
	}
	if s.dots {
		fd, e := t.openat2(dir, path, openDir, 0)
		if e == errWalk {
			return t.walk(dir, path, follow)
		}
		p := Place{Dir: fd, own: e == 0}
		_ = p.setName([]byte{'.'}, false) // it is not too long
		return p, e
	}
	p := Place{Dir: dir}
	if s.lo > 0 {
		first := path[s.lo]
		path[s.lo] = 0
		p.Dir, e = t.openat2(dir, path[:s.lo+1], openDir, 0)
		path[s.lo] = first
		if e == errWalk {
			return t.walk(dir, path, follow)
		}
		if e != 0 {
			return Place{}, e
		}
		p.own = true
	}
	if e := p.setName(path[s.lo:s.hi], s.slash); e != 0 {
		p.Close()
		return Place{}, e
	}
	if follow || s.slash {
		var b [1]byte
		switch _, e := t.readlinkat(p.Dir, p.name(), b[:]); e {
		case syscall.EINVAL, syscall.ENOENT: // no link
		case 0:
			p.Close()
			return t.walk(dir, path, follow)
		default:
			p.Close()
			return Place{}, e
		}
	}
	return p, 0
}

// Open opens a file for the flags, with the rights of creation that the process's
// umask leaves of all. It waits for the other end of a FIFO unless OpenNonblock is
// set.
func (t *Thread) Open(dir int, path []byte, f OpenFlags) (int, syscall.Errno) {
	s, e := splitPath(path)
	if e != 0 {
		return -1, e
	}
	fd, e := t.openat2(dir, path, hostFlags(f), modeOf(f))
	if e != errWalk {
		return fd, e
	}
	return t.openWalk(dir, path, s, f)
}

// openAt opens what is at a place, not following it.
func (t *Thread) openAt(p *Place, f OpenFlags) (int, syscall.Errno) {
	flags := hostFlags(f) | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if p.Slash {
		flags |= unix.O_DIRECTORY
	}
	return t.openat(p.Dir, p.name(), flags, modeOf(f))
}

// modeOf is the mode of a file that is made: what the umask leaves of all.
func modeOf(f OpenFlags) uint64 {
	if f&OpenCreate != 0 {
		return 0o777
	}
	return 0
}

func hostFlags(f OpenFlags) uint64 {
	flags := uint64(unix.O_NOCTTY)
	switch f & (OpenRead | OpenWrite) {
	case OpenWrite:
		flags |= unix.O_WRONLY
	case OpenRead | OpenWrite:
		flags |= unix.O_RDWR
	}
	if f&OpenFollow == 0 {
		flags |= unix.O_NOFOLLOW
	}
	for _, b := range [...]struct {
		f OpenFlags
		o uint64
	}{
		{OpenAppend, unix.O_APPEND}, {OpenCreate, unix.O_CREAT}, {OpenExclusive, unix.O_EXCL},
		{OpenDirectory, unix.O_DIRECTORY}, {OpenTruncate, unix.O_TRUNC}, {OpenNonblock, unix.O_NONBLOCK},
		{OpenDSync, unix.O_DSYNC}, {OpenSync, unix.O_SYNC},
	} {
		if f&b.f != 0 {
			flags |= b.o
		}
	}
	return flags
}

// StatPath describes what a path names. The kind of a socket is KindStreamSocket:
// what it really is cannot be told from outside.
func (t *Thread) StatPath(dir int, path []byte, follow bool) (FileInfo, syscall.Errno) {
	s, e := splitPath(path)
	if e != 0 {
		return FileInfo{}, e
	}
	if s.lo == 0 && !s.slash && !s.dots {
		// A plain name cannot lead anywhere: one host call instead of three.
		e := t.fstatat(dir, path, &t.stat)
		info := infoOf(&t.stat)
		if e != 0 || !follow || info.Kind != KindSymlink {
			return info, e
		}
	}
	flags := uint64(unix.O_PATH)
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, e := t.openat2(dir, path, flags, 0)
	if e == 0 {
		var st unix.Stat_t
		err := unix.Fstat(fd, &st)
		_ = CloseFD(fd)
		return infoOf(&st), errnoIn(err)
	}
	if e == errWalk {
		return t.statWalk(dir, path, follow)
	}
	return FileInfo{}, e
}

// statPlace describes what is at p, and is ENOTDIR if that ought to be a directory
// and is none.
func (t *Thread) statPlace(p *Place) (FileInfo, syscall.Errno) {
	if e := t.fstatat(p.Dir, p.name(), &t.stat); e != 0 {
		return FileInfo{}, e
	}
	info := infoOf(&t.stat)
	if p.Slash && info.Kind != KindDirectory {
		return info, syscall.ENOTDIR
	}
	return info, 0
}

// infoOf converts all that needs no descriptor.
func infoOf(st *unix.Stat_t) FileInfo {
	return FileInfo{
		Kind: kindOfMode(st.Mode),
		Dev:  uint64(st.Dev), Ino: st.Ino, Nlink: uint32(st.Nlink), Size: st.Size,
		Atime: nanoseconds(st.Atim), Mtime: nanoseconds(st.Mtim), Ctime: nanoseconds(st.Ctim),
	}
}

func kindOfMode(mode uint32) FileKind {
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return KindBlockDevice
	case unix.S_IFCHR:
		return KindCharDevice
	case unix.S_IFDIR:
		return KindDirectory
	case unix.S_IFREG:
		return KindRegular
	case unix.S_IFIFO:
		return KindPipe
	case unix.S_IFLNK:
		return KindSymlink
	case unix.S_IFSOCK:
		return KindStreamSocket
	}
	return KindUnknown
}

// nanoseconds cuts off what lies before 1970 or, in the year 2554, past the end.
func nanoseconds(ts unix.Timespec) uint64 {
	const last = (1<<64 - 1) / 1_000_000_000
	switch {
	case ts.Sec < 0:
		return 0
	case ts.Sec >= last:
		return 1<<64 - 1
	}
	return uint64(ts.Sec)*1_000_000_000 + uint64(ts.Nsec)
}

// errnoIn is the number in an error of package unix.
func errnoIn(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	var e syscall.Errno // on the heap, which only what is wrapped is worth
	if !errors.As(err, &e) {
		return syscall.EIO
	}
	return e
}

// lookAt opens what a name in a directory stands for, not to be used, and tells what it
// is.
func (t *Thread) lookAt(dir int, name []byte) (fd int, kind FileKind, e syscall.Errno) {
	fd, e = t.openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if e != 0 {
		return -1, KindUnknown, e
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = CloseFD(fd)
		return -1, KindUnknown, errnoIn(err)
	}
	return fd, kindOfMode(st.Mode), 0
}

// readLink reads a symbolic link that lookAt has opened.
func (t *Thread) readLink(fd int, buf []byte) (int, syscall.Errno) {
	return t.readlinkat(fd, []byte{0}, buf)
}
