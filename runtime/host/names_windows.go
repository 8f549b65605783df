//go:build amd64

package host

import (
	"bytes"
	"encoding/binary"
	"syscall"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/windows"
)

// accessDelete is the right to remove or rename a file.
const accessDelete = 0x10000

// Mkdir creates a directory.
func (t *Thread) Mkdir(p *Place) syscall.Errno {
	d, e := directoryOf(p.Dir)
	switch {
	case e != 0:
		return e
	case p.IsDot():
		return syscall.EEXIST
	}
	h, e := ntOpen(d, plain(p.name()), windows.FILE_READ_ATTRIBUTES, windows.FILE_CREATE, windows.FILE_DIRECTORY_FILE)
	if e == 0 {
		_ = windows.CloseHandle(h)
	}
	return e
}

// Mkfifo is ENOTSUP: no file system of Windows has pipes in it.
func (t *Thread) Mkfifo(p *Place) syscall.Errno { return syscall.ENOTSUP }

// Unlink removes a name; with dir set an empty directory, else anything but one. Whoever
// has the file open keeps it, where the file system can do that.
func (t *Thread) Unlink(p *Place, dir bool) syscall.Errno {
	switch {
	case p.IsDot() && dir:
		return syscall.EINVAL
	case p.IsDot():
		return syscall.EPERM
	}
	h, kind, e := openPlace(p, accessDelete)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	switch {
	case dir && kind != KindDirectory:
		return syscall.ENOTDIR
	case !dir && kind == KindDirectory:
		return syscall.EPERM
	}
	flags := uint32(windows.FILE_DISPOSITION_DELETE | windows.FILE_DISPOSITION_POSIX_SEMANTICS |
		windows.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)
	err := setFile(h, windows.FileDispositionInformationEx, binary.LittleEndian.AppendUint32(nil, flags))
	if isMissing(err) {
		err = setFile(h, windows.FileDispositionInformation, []byte{1})
	}
	return errnoIn(err)
}

// isMissing tells whether a system or a file system does not know a class of
// information.
func isMissing(err error) bool {
	switch err {
	case windows.STATUS_INVALID_INFO_CLASS, windows.STATUS_NOT_IMPLEMENTED, windows.STATUS_INVALID_PARAMETER,
		windows.STATUS_NOT_SUPPORTED, windows.STATUS_INVALID_DEVICE_REQUEST, windows.STATUS_INFO_LENGTH_MISMATCH:
		return true
	}
	return false
}

// Rename moves from to to, whatever is there: a file over a file, a directory over an
// empty one.
func (t *Thread) Rename(from, to *Place) syscall.Errno {
	if from.IsDot() || to.IsDot() {
		return syscall.EBUSY
	}
	d, e := directoryOf(to.Dir)
	if e != 0 {
		return e
	}
	name, e := component(plain(to.name()))
	if e != 0 {
		return e
	}
	h, kind, e := openPlace(from, accessDelete)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	if e := t.makeWay(h, kind, to); e != 0 {
		return e
	}
	err := setFile(h, fileRenameInformationEx, targetInfo(
		windows.FILE_RENAME_REPLACE_IF_EXISTS|windows.FILE_RENAME_POSIX_SEMANTICS, d, name))
	if isMissing(err) {
		err = setFile(h, windows.FileRenameInformation, targetInfo(1, d, name))
	}
	return errnoIn(err)
}

// makeWay checks what Rename is to replace: only like by like. An empty directory is
// removed first, since the system replaces none.
func (t *Thread) makeWay(from windows.Handle, kind FileKind, to *Place) syscall.Errno {
	name := *to
	name.Slash, name.own = false, false
	h, there, e := openPlace(&name, windows.FILE_READ_ATTRIBUTES)
	switch {
	case e == syscall.ENOENT && to.Slash && kind != KindDirectory:
		return syscall.ENOTDIR
	case e == syscall.ENOENT:
		return 0
	case e != 0:
		return e
	}
	same := sameFile(from, h)
	_ = windows.CloseHandle(h)
	switch {
	case kind == KindDirectory && there != KindDirectory:
		return syscall.ENOTDIR
	case kind != KindDirectory && there == KindDirectory:
		return syscall.EISDIR
	case kind != KindDirectory && to.Slash:
		return syscall.ENOTDIR
	case same || there != KindDirectory:
		return 0
	}
	return t.Unlink(&name, true)
}

// sameFile tells whether two handles are of one file.
func sameFile(a, b windows.Handle) bool {
	var x, y [8]byte
	if queryFile(a, fileInternalInformation, x[:]) != nil || queryFile(b, fileInternalInformation, y[:]) != nil || x != y {
		return false
	}
	v, err := volume(a)
	w, err2 := volume(b)
	return err == nil && err2 == nil && v == w
}

// Link makes to another name of what is at from.
func (t *Thread) Link(from, to *Place) syscall.Errno {
	d, e := directoryOf(to.Dir)
	switch {
	case e != 0:
		return e
	case to.IsDot():
		return syscall.EEXIST
	}
	name, e := component(plain(to.name()))
	if e != 0 {
		return e
	}
	h, kind, e := openPlace(from, windows.FILE_WRITE_ATTRIBUTES)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	switch {
	case kind == KindDirectory:
		return syscall.EPERM
	case to.Slash:
		return syscall.ENOENT
	}
	return errnoIn(setFile(h, fileLinkInformation, targetInfo(0, d, name)))
}

// SetTimes sets the times of what is at p, even of a symbolic link.
func (t *Thread) SetTimes(p *Place, atime, mtime FileTime) syscall.Errno {
	h, _, e := openPlace(p, windows.FILE_WRITE_ATTRIBUTES)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return setTimes(h, atime, mtime)
}

// SetTimesFD sets the times of an open file. The descriptor need not be open for
// writing, so the file is opened anew.
func (t *Thread) SetTimesFD(fd int, atime, mtime FileTime) syscall.Errno {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind != KindRegular && f.kind != KindDirectory:
		return syscall.EINVAL
	}
	if e := setTimes(f.h, atime, mtime); e != syscall.EACCES {
		return e
	}
	h, e := ntOpen(f.h, "", windows.FILE_WRITE_ATTRIBUTES, windows.FILE_OPEN, 0)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return setTimes(h, atime, mtime)
}

func setTimes(h windows.Handle, atime, mtime FileTime) syscall.Errno {
	b := basicInfo{access: atime.units(), write: mtime.units()} // 0 keeps what there is
	return errnoIn(setBasic(h, b))
}

func (f FileTime) units() int64 {
	switch f.Kind {
	case TimeNow:
		return windowsTime(uint64(time.Now().UnixNano()))
	case TimeAt:
		return windowsTime(f.At)
	}
	return 0
}

// Readlink reads a symbolic link, as much as fits.
func (t *Thread) Readlink(p *Place, buf []byte) (int, syscall.Errno) {
	h, kind, e := openPlace(p, 0)
	if e != 0 {
		return 0, e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	if kind != KindSymlink {
		return 0, syscall.EINVAL
	}
	return readReparse(h, buf)
}

// readLink reads a symbolic link that lookAt has opened.
func (t *Thread) readLink(fd int, buf []byte) (int, syscall.Errno) {
	f, e := fileOf(fd)
	if e != 0 {
		return 0, e
	}
	return readReparse(f.h, buf)
}

// readReparse reads where a reparse point leads. One with an absolute target, as every
// junction has, reads as a path from "/", which no directory contains.
func readReparse(h windows.Handle, buf []byte) (int, syscall.Errno) {
	raw := make([]byte, windows.MAXIMUM_REPARSE_DATA_BUFFER_SIZE)
	var n uint32
	err := windows.DeviceIoControl(h, windows.FSCTL_GET_REPARSE_POINT, nil, 0, &raw[0], uint32(len(raw)), &n, nil)
	if err != nil {
		return 0, errnoIn(err)
	}
	target, relative, ok := parseReparse(raw[:n])
	if !ok {
		return 0, syscall.EINVAL
	}
	b := bytes.ReplaceAll([]byte(target), []byte{'\\'}, []byte{'/'})
	if !relative && !bytes.HasPrefix(b, []byte{'/'}) {
		b = append([]byte{'/'}, b...)
	}
	return copy(buf, b), 0
}

// parseReparse reads REPARSE_DATA_BUFFER: tag, length of the data, and of the two tags
// that name a path where it lies in characters.
func parseReparse(b []byte) (target string, relative, ok bool) {
	const header = 8
	if len(b) < header+8 {
		return "", false, false
	}
	le := binary.LittleEndian
	tag, b := le.Uint32(b), b[header:]
	chars := b[8:] // behind offset and length of the name to use, and of that to show
	switch tag {
	case windows.IO_REPARSE_TAG_SYMLINK:
		if len(b) < 12 {
			return "", false, false
		}
		relative, chars = le.Uint32(b[8:])&1 != 0, b[12:]
	case windows.IO_REPARSE_TAG_MOUNT_POINT:
	default:
		return "", false, false
	}
	off, n := int(le.Uint16(b)), int(le.Uint16(b[2:]))
	if off+n > len(chars) {
		return "", false, false
	}
	u := make([]uint16, n/2)
	for i := range u {
		u[i] = le.Uint16(chars[off+2*i:])
	}
	return string(utf16.Decode(u)), relative, true
}

// Symlink creates a symbolic link that reads as target, a zero-terminated slice. EPERM
// unless the user may do that (SeCreateSymbolicLinkPrivilege, or developer mode).
func (t *Thread) Symlink(target []byte, p *Place) syscall.Errno {
	d, e := directoryOf(p.Dir)
	switch {
	case e != 0:
		return e
	case len(target) <= 1, p.Slash:
		return syscall.ENOENT
	case p.IsDot():
		return syscall.EEXIST
	}
	h, e := ntOpen(d, plain(p.name()), accessDelete|windows.FILE_WRITE_ATTRIBUTES|windows.FILE_WRITE_DATA,
		windows.FILE_CREATE, windows.FILE_NON_DIRECTORY_FILE)
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	b := reparseBuffer(string(target[:len(target)-1]))
	var n uint32
	err := windows.DeviceIoControl(h, windows.FSCTL_SET_REPARSE_POINT, &b[0], uint32(len(b)), nil, 0, &n, nil)
	if err != nil {
		_ = setFile(h, windows.FileDispositionInformation, []byte{1})
	}
	return errnoIn(err)
}

// reparseBuffer is REPARSE_DATA_BUFFER of a symbolic link.
func reparseBuffer(target string) []byte {
	le := binary.LittleEndian
	u := utf16.Encode([]rune(string(bytes.ReplaceAll([]byte(target), []byte{'/'}, []byte{'\\'}))))
	size := uint16(2 * len(u))
	b := le.AppendUint32(nil, windows.IO_REPARSE_TAG_SYMLINK)
	b = le.AppendUint16(b, 12+2*size)
	b = le.AppendUint16(b, 0)
	for _, v := range [...]uint16{0, size, size, size} { // the name to use, and the same to be shown
		b = le.AppendUint16(b, v)
	}
	relative := uint32(1)
	if len(target) > 0 && target[0] == '/' {
		relative = 0
	}
	b = le.AppendUint32(b, relative)
	for range 2 {
		for _, c := range u {
			b = le.AppendUint16(b, c)
		}
	}
	return b
}
