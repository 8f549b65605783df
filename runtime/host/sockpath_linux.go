//go:build amd64

package host

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Linux has neither bindat nor connectat. The directory, or the socket, that a
// path has led to is named through /proc/self/fd, so that nothing is resolved
// twice.

// Bind gives a local socket a name in the file system. ENAMETOOLONG for a name of
// more than about 85 bytes.
func (t *Thread) Bind(fd int, p *Place) syscall.Errno {
	switch {
	case p.IsDot():
		return syscall.EADDRINUSE
	case p.Slash:
		return syscall.ENOENT // what has a slash behind its name is a directory
	}
	name := procFD(p.Dir) + "/" + string(p.buf[:p.n])
	if len(name) > maxSocketPath {
		return syscall.ENAMETOOLONG
	}
	return errnoIn(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
}

// Connect connects a local socket to the one at p, which is not followed. It may
// block.
func (t *Thread) Connect(m *Message, fd int, p *Place) syscall.Errno {
	flags := uint64(unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC)
	if p.Slash {
		flags |= unix.O_DIRECTORY
	}
	to, e := t.openat(p.Dir, p.name(), flags, 0)
	if e != 0 {
		return e
	}
	defer func() { _ = unix.Close(to) }()
	return t.connectPath(m, fd, procFD(to))
}

func procFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
