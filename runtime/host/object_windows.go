//go:build amd64

package host

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// NewSharedObject creates an empty memory object that several mappings, of several
// processes, may share. It is a file without a lasting name that the system keeps in
// memory as long as there is enough: Windows' own sections have a size for ever, and no
// identity by which another process could tell that it has the same one.
func NewSharedObject(name string) (fd int, err error) {
	path, err := windows.UTF16PtrFromString(filepath.Join(os.TempDir(), name+"-"+rand.Text()))
	if err != nil {
		return -1, syscall.EINVAL
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE|windows.DELETE, share, nil,
		windows.CREATE_NEW, windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return -1, errorOf(err)
	}
	return newFD(&file{kind: KindSharedMemory, h: h, read: true, write: true}), nil
}

// seekable reports whether a file has an offset, and a size that can be set.
func (f *file) seekable() bool {
	return f.kind == KindRegular || f.kind == KindSharedMemory && f.h != 0
}
