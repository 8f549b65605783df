//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// Every path is resolved component by component here (path_walk.go): the system has no
// call that stays beneath a directory. Each component is opened relative to the handle
// of the directory before it, without following whatever redirects; a name that the
// system would take for more than a name is refused (component). Drives, devices and
// other streams of a file have no way in.

// lookAt opens what a name in a directory stands for, not to be used, and tells what it
// is.
func (t *Thread) lookAt(dir int, name []byte) (fd int, kind FileKind, e syscall.Errno) {
	d, e := directoryOf(dir)
	if e != 0 {
		return -1, KindUnknown, e
	}
	h, e := ntOpen(d, plain(name), windows.FILE_READ_ATTRIBUTES|windows.FILE_TRAVERSE, windows.FILE_OPEN, 0)
	if e == syscall.EACCES { // the right to enter is not asked for unless it is needed
		h, e = ntOpen(d, plain(name), windows.FILE_READ_ATTRIBUTES, windows.FILE_OPEN, 0)
	}
	if e != 0 {
		return -1, KindUnknown, e
	}
	kind, err := kindOfHandle(h)
	if err != nil {
		_ = windows.CloseHandle(h)
		return -1, KindUnknown, errnoIn(err)
	}
	return newFD(&file{kind: kind, h: h}), kind, 0
}

// plain is a name without the zero byte that ends it. "." is the directory itself, which
// has no name.
func plain(name []byte) string {
	name = name[:len(name)-1]
	if len(name) == 1 && name[0] == '.' {
		return ""
	}
	return string(name)
}

// directoryOf is the handle of a directory.
func directoryOf(fd int) (windows.Handle, syscall.Errno) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return 0, e
	case f.kind != KindDirectory:
		return 0, syscall.ENOTDIR
	}
	return f.h, 0
}

// Lookup resolves a path up to its last component. That is followed if it is a symbolic
// link and follow is set or slashes come after it.
func (t *Thread) Lookup(dir int, path []byte, follow bool) (Place, syscall.Errno) {
	return t.walk(dir, path, follow)
}

// Open opens a file for the flags.
func (t *Thread) Open(dir int, path []byte, f OpenFlags) (int, syscall.Errno) {
	s, e := splitPath(path)
	if e != 0 {
		return -1, e
	}
	return t.openWalk(dir, path, s, f)
}

// openAt opens what is at a place, not following it: ELOOP for a symbolic link.
func (t *Thread) openAt(p *Place, f OpenFlags) (int, syscall.Errno) {
	d, e := directoryOf(p.Dir)
	if e != 0 {
		return -1, e
	}
	access, disposition, options := how(f)
	name := plain(p.name())
	if f&OpenDirectory != 0 || p.Slash || name == "" {
		options |= windows.FILE_DIRECTORY_FILE
	}
	h, e := ntOpen(d, name, access, disposition, options)
	if e == syscall.EACCES && options&windows.FILE_DIRECTORY_FILE == 0 && f&(OpenWrite|OpenCreate) == 0 {
		// A directory may be readable although there is nothing in it to be executed.
		h, e = ntOpen(d, name, access&^windows.FILE_TRAVERSE, disposition, options)
	}
	if e != 0 {
		return -1, e
	}
	kind, err := kindOfHandle(h)
	file := &file{kind: kind, h: h, read: f&OpenRead != 0, write: f&OpenWrite != 0}
	switch {
	case err != nil:
		e = errnoIn(err)
	case kind == KindSymlink:
		e = syscall.ELOOP
	case kind == KindDirectory && f&(OpenWrite|OpenCreate|OpenTruncate) != 0:
		e = syscall.EISDIR
	case f&OpenTruncate != 0:
		e = errnoIn(setSize(h, windows.FileEndOfFileInformation, 0))
	}
	if e != 0 {
		_ = windows.CloseHandle(h)
		return -1, e
	}
	var s StatusFlags
	for _, b := range [...]struct {
		o OpenFlags
		s StatusFlags
	}{{OpenAppend, FlagAppend}, {OpenNonblock, FlagNonblock}, {OpenDSync, FlagDSync}, {OpenSync, FlagSync}} {
		if f&b.o != 0 {
			s |= b.s
		}
	}
	file.flags.Store(uint32(s))
	return newFD(file), 0
}

// how converts flags to those of the native call.
func how(f OpenFlags) (access, disposition, options uint32) {
	access = windows.FILE_READ_ATTRIBUTES | windows.FILE_TRAVERSE
	if f&OpenRead != 0 {
		access |= windows.FILE_READ_DATA
	}
	if f&OpenWrite != 0 {
		access |= windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.FILE_WRITE_ATTRIBUTES
	}
	switch {
	case f&OpenCreate == 0:
		disposition = windows.FILE_OPEN
	case f&OpenExclusive != 0:
		disposition = windows.FILE_CREATE
	default:
		disposition = windows.FILE_OPEN_IF
	}
	if f&OpenTruncate != 0 {
		access |= windows.FILE_WRITE_DATA
	}
	if f&(OpenDSync|OpenSync) != 0 {
		options |= windows.FILE_WRITE_THROUGH
	}
	return access, disposition, options
}

// StatPath describes what a path names.
func (t *Thread) StatPath(dir int, path []byte, follow bool) (FileInfo, syscall.Errno) {
	if _, e := splitPath(path); e != 0 {
		return FileInfo{}, e
	}
	return t.statWalk(dir, path, follow)
}

// statPlace describes what is at p, and is ENOTDIR if that ought to be a directory and is
// none.
func (t *Thread) statPlace(p *Place) (FileInfo, syscall.Errno) {
	h, kind, e := openPlace(p, windows.FILE_READ_ATTRIBUTES)
	if e != 0 {
		return FileInfo{}, e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	info, err := infoOf(h, kind)
	return info, errnoIn(err)
}

// openPlace opens what is at p, whatever it is, for the access given.
func openPlace(p *Place, access uint32) (windows.Handle, FileKind, syscall.Errno) {
	d, e := directoryOf(p.Dir)
	if e != 0 {
		return 0, KindUnknown, e
	}
	h, e := ntOpen(d, plain(p.name()), access|windows.FILE_READ_ATTRIBUTES, windows.FILE_OPEN, 0)
	if e != 0 {
		return 0, KindUnknown, e
	}
	kind, err := kindOfHandle(h)
	e = errnoIn(err)
	if e == 0 && p.Slash && kind != KindDirectory {
		e = syscall.ENOTDIR
	}
	if e != 0 {
		_ = windows.CloseHandle(h)
	}
	return h, kind, e
}

// IsSocket is always false: no socket has a name in a file system here.
func (t *Thread) IsSocket(dir int, path []byte, follow bool) bool { return false }
