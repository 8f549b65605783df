//go:build amd64

package host

import (
	"io"

	"golang.org/x/sys/windows"
)

// DupFD duplicates a descriptor, which no other program inherits.
func DupFD(fd int) (int, error) {
	self := windows.CurrentProcess()
	var h windows.Handle
	err := windows.DuplicateHandle(self, windows.Handle(fd), self, &h, 0, false, windows.DUPLICATE_SAME_ACCESS)
	if err != nil {
		return -1, errnoOf(err)
	}
	return int(h), nil
}

// CloseFD closes a descriptor.
func CloseFD(fd int) error { return windows.CloseHandle(windows.Handle(fd)) }

// StatFD describes the object behind a descriptor.
func StatFD(fd int) (info FileInfo, err error) {
	h := windows.Handle(fd)
	kind, err := windows.GetFileType(h)
	if err != nil {
		return info, errnoOf(err)
	}
	switch kind {
	case windows.FILE_TYPE_CHAR:
		info.Kind = KindCharDevice
		var mode uint32
		if windows.GetConsoleMode(h, &mode) == nil {
			info.Kind = KindTTY
		}
	case windows.FILE_TYPE_PIPE:
		info.Kind = KindPipe
	case windows.FILE_TYPE_DISK:
		// A handle that was opened for writing alone may not tell more.
		info.Kind = KindRegular
		var f windows.ByHandleFileInformation
		if err := windows.GetFileInformationByHandle(h, &f); err != nil {
			if a, e := grantedAccess(fd); e == nil && a&windows.FILE_READ_ATTRIBUTES == 0 {
				return info, nil
			}
			return info, errnoOf(err)
		}
		if f.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
			info.Kind = KindDirectory
		}
		info.Dev, info.Nlink = uint64(f.VolumeSerialNumber), f.NumberOfLinks
		info.Ino = uint64(f.FileIndexHigh)<<32 | uint64(f.FileIndexLow)
		info.Size = int64(f.FileSizeHigh)<<32 | int64(f.FileSizeLow)
		info.Atime, info.Mtime = since1970(f.LastAccessTime), since1970(f.LastWriteTime)
		info.Ctime = info.Mtime
	}
	return info, nil
}

func since1970(f windows.Filetime) uint64 { return uint64(max(f.Nanoseconds(), 0)) }

// AccessMode tells whether a descriptor was opened for reading and writing.
func AccessMode(fd int) (read, write bool, err error) {
	a, err := grantedAccess(fd)
	return a&windows.FILE_READ_DATA != 0, a&(windows.FILE_WRITE_DATA|windows.FILE_APPEND_DATA) != 0, err
}

// Status returns the flags of the open file. Windows has none of them for a handle.
func Status(fd int) (StatusFlags, error) { return 0, nil }

// SetStatus answers ErrUnsupported for flags that Windows cannot give a handle.
func SetStatus(fd int, s StatusFlags) error {
	if s != 0 {
		return ErrUnsupported
	}
	return nil
}

// Seek moves the offset and returns the new one.
func Seek(fd int, off int64, whence int) (int64, error) {
	return windows.Seek(windows.Handle(fd), off, whence)
}

// Truncate sets the size of a file.
func Truncate(fd int, size int64) error { return windows.Ftruncate(windows.Handle(fd), size) }

// Pending returns 0: Windows tells it for pipes only.
func Pending(fd int) int { return 0 }

// Remaining returns how many bytes of a regular file lie behind the offset, 0 when
// there is none.
func Remaining(fd int) int64 {
	info, err := StatFD(fd)
	if err != nil || info.Kind != KindRegular {
		return 0
	}
	off, err := Seek(fd, 0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(info.Size-off, 0)
}

// Pipe creates a pipe: an end to read and an end to write.
func Pipe() (r, w int, err error) {
	var hr, hw windows.Handle
	err = windows.CreatePipe(&hr, &hw, nil, 0)
	return int(hr), int(hw), err
}

// StopProcess answers ErrUnsupported: Windows cannot stop a process as a terminal's stop
// key does.
func StopProcess() error { return ErrUnsupported }

// Inherited reports whether fd is open. Handles that another program would not inherit
// are not told apart.
func Inherited(fd int) bool {
	kind, err := windows.GetFileType(windows.Handle(fd))
	return err == nil && kind != windows.FILE_TYPE_UNKNOWN
}
