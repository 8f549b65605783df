//go:build amd64 && (linux || windows)

package host

import (
	"bytes"
	"syscall"
)

// maxRaces bounds how often a path is tried again because others change it.
const maxRaces = 16

// maxDepth bounds how many directories a walk may be inside of: more than any path
// of MaxPath bytes enters.
const maxDepth = 2048

// A walk resolves a path with a descriptor for each directory it has entered, so
// that ".." is where it came from, even if that has been moved meanwhile, and never
// lies before where it began.
type walk struct {
	t     *Thread
	dirs  []int // the first is the caller's
	rest  []byte
	links int
}

// walk is Lookup without the host's help. It stands on two things that each host does its
// own way: lookAt opens what a name stands for, of whatever kind, without following it or
// using it; readLink reads a symbolic link that is open so.
func (t *Thread) walk(dir int, path []byte, follow bool) (Place, syscall.Errno) {
	if len(path) == 1 {
		return Place{}, syscall.ENOENT
	}
	w := walk{t: t, dirs: []int{dir}, rest: bytes.Clone(path[:len(path)-1])}
	p, e := w.run(follow)
	if e == 0 {
		last := len(w.dirs) - 1
		p.Dir, p.own = w.dirs[last], last > 0
		w.dirs = w.dirs[:max(last, 1)]
	}
	for _, fd := range w.dirs[1:] {
		_ = CloseFD(fd)
	}
	return p, e
}

// run goes to the last component. The directory of the result is the last of w.dirs.
func (w *walk) run(follow bool) (Place, syscall.Errno) {
	if w.rest[0] == '/' {
		return Place{}, Escape
	}
	for {
		name, rest, slash := bytes.Cut(w.rest, []byte{'/'})
		w.rest = bytes.TrimLeft(rest, "/")
		last := len(w.rest) == 0
		switch string(name) {
		case "..":
			if len(w.dirs) == 1 {
				return Place{}, Escape
			}
			_ = CloseFD(w.dirs[len(w.dirs)-1])
			w.dirs = w.dirs[:len(w.dirs)-1]
			fallthrough
		case ".":
			if last {
				var p Place
				return p, p.setName([]byte{'.'}, false)
			}
			continue
		}
		var p Place
		if e := p.setName(name, slash); e != 0 || last && !slash && !follow {
			return p, e
		}
		arrived, e := w.step(&p, last)
		if arrived || e != 0 {
			return p, e
		}
	}
}

// step looks at a component, and enters it if it is a directory and not the last.
// If it is a symbolic link, what that says comes in its place.
func (w *walk) step(p *Place, last bool) (arrived bool, e syscall.Errno) {
	fd, kind, e := w.t.lookAt(w.dirs[len(w.dirs)-1], p.name())
	if e == syscall.ENOENT && last {
		return true, 0 // it may be about to be made
	}
	if e != 0 {
		return false, e
	}
	switch kind {
	case KindSymlink:
		e = w.link(fd, p.Slash)
	case KindDirectory:
		if !last {
			if len(w.dirs) == maxDepth {
				e = syscall.ENAMETOOLONG
				break
			}
			w.dirs = append(w.dirs, fd)
			return false, 0
		}
		arrived = true
	default:
		arrived = last
		if !last {
			e = syscall.ENOTDIR
		}
	}
	_ = CloseFD(fd)
	return arrived, e
}

// link puts what the symbolic link fd says before the rest of the path.
func (w *walk) link(fd int, slash bool) syscall.Errno {
	if w.links++; w.links > MaxLinks {
		return syscall.ELOOP
	}
	buf := make([]byte, MaxPath)
	n, e := w.t.readLink(fd, buf)
	switch {
	case e != 0:
		return e
	case n == 0:
		return syscall.ENOENT
	case n == len(buf):
		return syscall.ENAMETOOLONG
	case buf[0] == '/':
		return Escape
	}
	buf = buf[:n]
	if slash {
		buf = append(buf, '/')
	}
	w.rest = append(buf, w.rest...)
	return 0
}

// openWalk is Open without the host's help: openAt, which follows nothing, opens what is
// at the end of the walk.
func (t *Thread) openWalk(dir int, path []byte, s split, f OpenFlags) (int, syscall.Errno) {
	follow := f&OpenFollow != 0 && f&(OpenCreate|OpenExclusive) != OpenCreate|OpenExclusive
	refuse := f&OpenCreate != 0 && s.slash && !s.dots // no file can have such a name, whatever is there
	if refuse {
		path, follow = append(bytes.Clone(path[:s.hi]), 0), false
	}
	for range maxRaces {
		p, e := t.walk(dir, path, follow)
		if e == 0 && refuse {
			p.Close()
			e = syscall.EISDIR
		}
		if e != 0 {
			return -1, e
		}
		fd, e := t.openAt(&p, f)
		p.Close()
		if e != syscall.ELOOP || !follow {
			return fd, e
		}
		// A link has come where there was none.
	}
	return -1, syscall.ELOOP
}

// statWalk is StatPath without the host's help.
func (t *Thread) statWalk(dir int, path []byte, follow bool) (FileInfo, syscall.Errno) {
	for i := 0; ; i++ {
		p, e := t.walk(dir, path, follow)
		if e != 0 {
			return FileInfo{}, e
		}
		info, e := t.statPlace(&p)
		p.Close()
		if e != 0 || !follow || info.Kind != KindSymlink || i == maxRaces {
			return info, e
		}
	}
}
