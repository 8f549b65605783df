package host

import (
	"bytes"
	"sync/atomic"
	"syscall"
)

// Paths begin at a directory and never lead out of it: not by "..", not by a slash
// at the start, not by a symbolic link, whatever others rename meanwhile. Linux
// resolves them so by itself (openat2, RESOLVE_BENEATH); where it cannot, and where
// a symbolic link has to be read here, path_walk.go goes component by
// component. Both give the same answers.
//
// A path is given as a slice that ends in a zero byte and has none before. It may be
// changed during a call, and is restored.

// Escape is the error of a path that leads out of the directory it starts at. No
// error number of a host is as high.
const Escape syscall.Errno = 1 << 12

// MaxPath is the length of the longest path in bytes, its zero byte included.
const MaxPath = 4096

// MaxLinks is how many symbolic links a path may lead through; one more is ELOOP.
const MaxLinks = 40

var walkOnly atomic.Bool

// WalkOnly makes all paths be resolved component by component, as on a host that
// cannot do it by itself, or ends that. It is for tests.
func WalkOnly(on bool) { walkOnly.Store(on) }

// A Place is where a path leads: a name in a directory. Nothing need be there yet.
type Place struct {
	Dir   int  // descriptor of the directory
	Slash bool // slashes followed the name: it must be, or become, a directory
	own   bool // Dir is to be closed
	n     int  // length of the name
	buf   [maxName + 2]byte
}

// maxName is the longest name in bytes that a host file system takes.
const maxName = 255

// setName is ENAMETOOLONG for a name that no file system takes.
func (p *Place) setName(name []byte, slash bool) syscall.Errno {
	if len(name) > maxName {
		return syscall.ENAMETOOLONG
	}
	p.n, p.Slash = copy(p.buf[:], name), slash
	return 0
}

// IsDot tells whether the name is ".": the path ended in "." or "..", and Dir is
// what it names.
func (p *Place) IsDot() bool { return p.n == 1 && p.buf[0] == '.' }

// Close gives the directory back.
func (p *Place) Close() {
	if p.own {
		_ = CloseFD(p.Dir) // it was only looked at
		p.own = false
	}
}

// name returns the name, ended by a zero byte and without slash.
func (p *Place) name() []byte {
	p.buf[p.n] = 0
	return p.buf[:p.n+1]
}

// entry returns the name with the slash that may have followed it. It is for the
// host calls that create or remove an entry: those follow no link, while a slash
// would make any other follow one that has come meanwhile.
func (p *Place) entry() []byte {
	if !p.Slash {
		return p.name()
	}
	p.buf[p.n], p.buf[p.n+1] = '/', 0
	return p.buf[:p.n+2]
}

// A split path is its last component and what comes before.
type split struct {
	lo, hi int  // the last component, path[lo:hi]
	slash  bool // slashes follow it
	dots   bool // it is "." or ".."
}

// splitPath finds the last component. ENOENT for an empty path, Escape for one that
// begins with a slash.
func splitPath(path []byte) (s split, e syscall.Errno) {
	end := len(path) - 1
	switch {
	case end == 0:
		return s, syscall.ENOENT
	case path[0] == '/':
		return s, Escape
	}
	s.hi = end
	for path[s.hi-1] == '/' {
		s.hi--
	}
	s.slash = s.hi < end
	s.lo = bytes.LastIndexByte(path[:s.hi], '/') + 1
	name := string(path[s.lo:s.hi])
	s.dots = name == "." || name == ".."
	return s, 0
}

// FileTime is a time to be set.
type FileTime struct {
	Kind FileTimeKind
	At   uint64 // of TimeAt: nanoseconds since 1970
}

// FileTimeKind says which time.
type FileTimeKind uint8

const (
	TimeKeep FileTimeKind = iota // as it is
	TimeNow                      // that of the change
	TimeAt
)

// OpenFlags say how a file is opened.
type OpenFlags uint16

const (
	OpenRead OpenFlags = 1 << iota
	OpenWrite
	OpenAppend
	OpenCreate
	OpenExclusive // with OpenCreate: fail if there is anything, a link included
	OpenDirectory // fail unless it is one
	OpenTruncate
	OpenNonblock
	OpenDSync
	OpenSync
	OpenFollow // if the last component is a symbolic link, open what it names
)
