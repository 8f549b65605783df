//go:build !(linux && amd64) && !(windows && amd64)

package host

import "syscall"

// Everything in this file answers that the system has no host leaf.

func (t *Thread) Lookup(dir int, path []byte, follow bool) (Place, syscall.Errno) {
	return Place{}, syscall.ENOSYS
}
func (t *Thread) Open(dir int, path []byte, f OpenFlags) (int, syscall.Errno) {
	return -1, syscall.ENOSYS
}
func (t *Thread) StatPath(dir int, path []byte, follow bool) (FileInfo, syscall.Errno) {
	return FileInfo{}, syscall.ENOSYS
}
func (t *Thread) IsSocket(dir int, path []byte, follow bool) bool        { return false }
func (t *Thread) Mkdir(p *Place) syscall.Errno                           { return syscall.ENOSYS }
func (t *Thread) Mkfifo(p *Place) syscall.Errno                          { return syscall.ENOSYS }
func (t *Thread) Symlink(target []byte, p *Place) syscall.Errno          { return syscall.ENOSYS }
func (t *Thread) Unlink(p *Place, dir bool) syscall.Errno                { return syscall.ENOSYS }
func (t *Thread) Rename(from, to *Place) syscall.Errno                   { return syscall.ENOSYS }
func (t *Thread) Link(from, to *Place) syscall.Errno                     { return syscall.ENOSYS }
func (t *Thread) Readlink(p *Place, buf []byte) (int, syscall.Errno)     { return 0, syscall.ENOSYS }
func (t *Thread) SetTimes(p *Place, atime, mtime FileTime) syscall.Errno { return syscall.ENOSYS }
func (t *Thread) SetTimesFD(fd int, atime, mtime FileTime) syscall.Errno { return syscall.ENOSYS }
func (t *Thread) Allocate(fd int, off, n int64) syscall.Errno            { return syscall.ENOSYS }
func (t *Thread) AdviseFile(fd int, off, n int64, a FileAdvice) syscall.Errno {
	return syscall.ENOSYS
}

// DirStream reads the entries of a directory; none can be had on this system.
type DirStream struct{}

func (t *Thread) OpenStream(dir int) (*DirStream, syscall.Errno) { return nil, syscall.ENOSYS }

func (d *DirStream) Close()                        {}
func (d *DirStream) Seek(pos uint64) syscall.Errno { return syscall.ENOSYS }
func (d *DirStream) Skip(en DirEntry)              {}
func (d *DirStream) Peek(t *Thread) (en DirEntry, ok bool, e syscall.Errno) {
	return en, false, syscall.ENOSYS
}
