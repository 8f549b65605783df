//go:build amd64

package host

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/windows"
)

// classify finds out what a handle is, and takes it over.
func classify(h windows.Handle) (*file, error) {
	f := &file{h: h}
	typ, err := windows.GetFileType(h)
	if err != nil {
		return nil, errorOf(err)
	}
	f.read, f.write = true, true
	if a, err := queryFile32(h, fileAccessInformation); err == nil {
		f.read = a&(windows.FILE_READ_DATA|windows.GENERIC_READ) != 0
		f.write = a&(windows.FILE_WRITE_DATA|windows.FILE_APPEND_DATA|windows.GENERIC_WRITE) != 0
		if a&windows.FILE_WRITE_DATA == 0 && a&windows.FILE_APPEND_DATA != 0 {
			f.flags.Store(uint32(FlagAppend))
		}
	}
	if mode, err := queryFile32(h, fileModeInformation); err == nil && mode&windows.FILE_WRITE_THROUGH != 0 {
		f.flags.Store(f.flags.Load() | uint32(FlagSync))
	}
	switch typ {
	case windows.FILE_TYPE_CHAR:
		f.kind = KindCharDevice
		var mode uint32
		if windows.GetConsoleMode(h, &mode) == nil {
			f.kind, f.tty = KindTTY, new(console)
		}
	case windows.FILE_TYPE_PIPE:
		f.kind = KindPipe
		if k, ok := socketKind(h); ok {
			f.kind = k
		}
	case windows.FILE_TYPE_DISK:
		if f.kind, err = kindOfHandle(h); err != nil {
			return nil, errorOf(err)
		}
		if f.kind == KindRegular {
			f.off, _ = windows.Seek(h, 0, windows.FILE_CURRENT)
		}
	}
	return f, nil
}

// kindOfHandle tells what a file of a file system is.
func kindOfHandle(h windows.Handle) (FileKind, error) {
	attributes, tag, err := queryTag(h)
	if err != nil { // a file system without reparse points
		b, err := queryBasic(h)
		if err != nil {
			return KindUnknown, err
		}
		attributes, tag = b.attributes, 0
	}
	return kindOf(attributes, tag), nil
}

// kindOf takes every reparse point that leads elsewhere for a symbolic link, which is
// not to be entered; tags that only say how a file is stored are ignored.
func kindOf(attributes, tag uint32) FileKind {
	const nameSurrogate = 1 << 29 // IsReparseTagNameSurrogate
	switch {
	case attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 && tag&nameSurrogate != 0:
		return KindSymlink
	case attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return KindDirectory
	}
	return KindRegular
}

// StatFD describes the object behind a descriptor.
func StatFD(fd int) (FileInfo, error) {
	f, e := fileOf(fd)
	if e != 0 {
		return FileInfo{}, e
	}
	info := FileInfo{Kind: f.kind, Nlink: 1}
	if f.seekable() || f.kind == KindDirectory || f.kind == KindSymlink {
		return infoOf(f.h, f.kind)
	}
	return info, nil
}

// infoOf describes a file of a file system.
func infoOf(h windows.Handle, kind FileKind) (FileInfo, error) {
	b, err := queryBasic(h)
	if err != nil {
		return FileInfo{}, errorOf(err)
	}
	s, err := queryStandard(h)
	if err != nil {
		return FileInfo{}, errorOf(err)
	}
	info := FileInfo{Kind: kind, Nlink: s.links, Atime: unixTime(b.access), Mtime: unixTime(b.write), Ctime: unixTime(b.change)}
	if kind == KindRegular || kind == KindSharedMemory {
		info.Size = s.size
	}
	var id [8]byte
	if queryFile(h, fileInternalInformation, id[:]) == nil {
		info.Ino = binary.LittleEndian.Uint64(id[:])
	}
	if v, err := volume(h); err == nil {
		info.Dev = uint64(v)
	}
	return info, nil
}

// AccessMode tells whether a descriptor was opened for reading and writing.
func AccessMode(fd int) (read, write bool, err error) {
	f, e := fileOf(fd)
	if e != 0 {
		return false, false, e
	}
	return f.read, f.write, nil
}

// Status returns the flags of the open file description.
func Status(fd int) (StatusFlags, error) {
	f, e := fileOf(fd)
	if e != 0 {
		return 0, e
	}
	return f.status(), nil
}

func (f *file) status() StatusFlags { return StatusFlags(f.flagWord().Load()) }

// SetStatus changes FlagAppend and FlagNonblock. The two synchronisation flags of an
// open file stay: asking for others than the file has is EOPNOTSUPP.
func SetStatus(fd int, s StatusFlags) error {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case (f.status()^s)&(FlagDSync|FlagSync) != 0:
		return syscall.EOPNOTSUPP
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flagWord().Store(uint32(s))
	return nil
}

// Seek moves the offset and returns the new one. ESPIPE for what has none.
func Seek(fd int, off int64, whence int) (int64, error) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return 0, e
	case !f.seekable() && f.kind != KindDirectory:
		return 0, syscall.ESPIPE
	}
	at := f.lock()
	defer f.unlock()
	base := int64(0)
	switch whence {
	case SeekSet:
	case SeekCur:
		base = *at
	case SeekEnd:
		s, err := queryStandard(f.h)
		if err != nil {
			return 0, errorOf(err)
		}
		base = s.size
	default:
		return 0, syscall.EINVAL
	}
	to := base + off
	switch {
	case off > 0 && to < base:
		return 0, syscall.EOVERFLOW
	case to < 0:
		return 0, syscall.EINVAL
	}
	*at = to
	return to, nil
}

// Truncate sets the size of a file.
func Truncate(fd int, size int64) error {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case !f.seekable() || size < 0 || !f.write:
		return syscall.EINVAL
	}
	return errorOf(setSize(f.h, windows.FileEndOfFileInformation, size))
}

// Pending returns how many bytes can be read at once, 0 when the host cannot tell.
func Pending(fd int) int {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return 0
	case f.end != nil:
		return f.end.pending()
	case f.kind == KindPipe:
		n, _ := peekPipe(f.h)
		return int(n) + f.unreadBytes()
	case f.kind.Socket():
		return pendingIn(f.h)
	}
	return 0
}

// Remaining returns how many bytes of a regular file lie behind the offset, 0 when
// there is none.
func Remaining(fd int) int64 {
	f, e := fileOf(fd)
	if e != 0 || !f.seekable() {
		return 0
	}
	s, err := queryStandard(f.h)
	if err != nil {
		return 0
	}
	at := f.lock()
	defer f.unlock()
	return max(s.size-*at, 0)
}

// Sync writes a file's data and metadata to storage: the system does not tell the two
// apart.
func (t *Thread) Sync(fd int, dataOnly bool) syscall.Errno {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return e
	case f.kind == KindDirectory:
		return 0 // the file system's journal has it; there is no call to wait for that
	case !f.seekable():
		return syscall.EINVAL
	case !f.write:
		return 0 // nothing of it is this descriptor's to write
	}
	return errnoIn(windows.FlushFileBuffers(f.h))
}

// StopProcess is ENOTSUP: no other program could continue this one.
func StopProcess() error { return syscall.ENOTSUP }

// The system's times count units of 100 ns from 1601.
const (
	unitsPerSecond = 10_000_000
	epoch1970      = 11_644_473_600 * unitsPerSecond
)

// unixTime converts to nanoseconds since 1970, 0 for what lies before.
func unixTime(units int64) uint64 {
	if units < epoch1970 {
		return 0
	}
	return uint64(units-epoch1970) * 100
}

// windowsTime converts from nanoseconds since 1970, as far as the system has time.
func windowsTime(ns uint64) int64 {
	return int64(min(ns/100, 1<<62)) + epoch1970
}

// Inherited reports whether a handle, such as Descriptor returns, is of something that is
// open.
func Inherited(fd int) bool {
	kind, err := windows.GetFileType(windows.Handle(fd))
	return err == nil && kind != windows.FILE_TYPE_UNKNOWN
}
