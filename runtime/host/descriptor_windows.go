//go:build amd64

package host

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has handles, of several kinds that differ in what may be done with them. A
// descriptor of this package is a number in a table of its own, as POSIX has it, and
// stands for an open file description: handle, offset and flags, which duplicates share.

// A file is an open file description.
type file struct {
	refs        int32 // descriptors; guarded by descriptors.mu
	kind        FileKind
	h           windows.Handle // 0 for what lives in this process only
	read, write bool
	flags       atomic.Uint32 // StatusFlags

	mu  sync.Mutex // orders uses of off
	off int64      // of a regular file: where the next read or write begins
	tty *console   // of KindTTY
	end *endpoint  // of pipes and local sockets made here
	q   *waitQueue // of a polling event queue
	tm  *timer     // of a timer

	sealed []byte // of NewSealed
}

// descriptors is the table. A slot without a file is free.
var descriptors struct {
	mu    sync.RWMutex
	files []*file
	free  int // no slot below it is free
}

// firstFD is the lowest number given out: those below mean the standard handles to
// whoever configures a program.
const firstFD = 3

// newFD gives a file its first descriptor.
func newFD(f *file) int {
	descriptors.mu.Lock()
	defer descriptors.mu.Unlock()
	return addFD(f)
}

func addFD(f *file) int {
	d := &descriptors
	f.refs++
	for fd := max(d.free, firstFD); fd < len(d.files); fd++ {
		if d.files[fd] == nil {
			d.files[fd], d.free = f, fd+1
			return fd
		}
	}
	for len(d.files) < firstFD {
		d.files = append(d.files, nil)
	}
	d.files = append(d.files, f)
	d.free = len(d.files)
	return len(d.files) - 1
}

// fileOf returns what a descriptor stands for. EBADF if there is none.
func fileOf(fd int) (*file, syscall.Errno) {
	d := &descriptors
	d.mu.RLock()
	defer d.mu.RUnlock()
	if fd < 0 || fd >= len(d.files) || d.files[fd] == nil {
		return nil, syscall.EBADF
	}
	return d.files[fd], 0
}

// DupFD duplicates a descriptor.
func DupFD(fd int) (int, error) {
	f, e := fileOf(fd)
	if e != 0 {
		return -1, e
	}
	return newFD(f), nil
}

// CloseFD closes a descriptor; the last one takes the file with it.
func CloseFD(fd int) error {
	d := &descriptors
	d.mu.Lock()
	if fd < 0 || fd >= len(d.files) || d.files[fd] == nil {
		d.mu.Unlock()
		return syscall.EBADF
	}
	f := d.files[fd]
	d.files[fd] = nil
	d.free = min(d.free, fd)
	f.refs--
	last := f.refs == 0
	d.mu.Unlock()
	if last {
		return f.destroy()
	}
	return nil
}

// destroy ends a file that nobody refers to.
func (f *file) destroy() error {
	if f.end != nil {
		f.end.close()
	}
	switch {
	case f.h == 0:
		return nil
	case f.kind.Socket():
		return errorOf(windows.Closesocket(f.h))
	}
	return errorOf(windows.CloseHandle(f.h))
}

// standard are the handles that 0, 1 and 2 mean.
var standard = [...]uint32{windows.STD_INPUT_HANDLE, windows.STD_OUTPUT_HANDLE, windows.STD_ERROR_HANDLE}

// AdoptFD makes a descriptor of this package for what the host program has open: 0, 1
// and 2 are its standard handles, other numbers are handles, which os.File.Fd returns.
// The handle is duplicated.
func AdoptFD(handle int) (int, error) {
	h := windows.Handle(handle)
	if handle >= 0 && handle < len(standard) {
		var err error
		if h, err = windows.GetStdHandle(standard[handle]); err != nil || h == 0 {
			return -1, syscall.EBADF
		}
	}
	if h == windows.InvalidHandle {
		return -1, syscall.EBADF
	}
	self := windows.CurrentProcess()
	var own windows.Handle
	if err := windows.DuplicateHandle(self, h, self, &own, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
		return -1, errorOf(err)
	}
	f, err := classify(own)
	if err != nil {
		_ = windows.CloseHandle(own)
		return -1, err
	}
	return newFD(f), nil
}

// OSFile is a duplicate of a descriptor as a file of package os, with a name for its
// errors. ENOTSUP for what the system has no handle of.
func OSFile(fd int, name string) (*os.File, error) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return nil, e
	case f.h == 0 || f.kind.Socket():
		return nil, syscall.ENOTSUP
	}
	self := windows.CurrentProcess()
	var own windows.Handle
	if err := windows.DuplicateHandle(self, f.h, self, &own, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
		return nil, errorOf(err)
	}
	return os.NewFile(uintptr(own), name), nil
}
