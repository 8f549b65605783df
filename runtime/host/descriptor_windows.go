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

	unread []byte // of a pipe or device of the host's, see readStream; guarded by mu

	end *endpoint  // of pipes and local sockets made here
	q   *waitQueue // of a polling event queue
	tm  *timer     // of a timer

	common      atomic.Pointer[common] // instead of off and flags, once other processes have it too
	proc, start *process               // of a process descriptor's ends, the holder's and the child's

	sealed []byte // of NewSealed
}

// descriptors is the table. A slot without a file is free.
var descriptors struct {
	mu    sync.RWMutex
	files []*file
	free  int // no slot below it is free
}

// A descriptor's number is 4 times its slot and firstFD: no handle is such a number, they
// are multiples of 4, and those below mean the standard handles (AdoptFD).
const firstFD = 5

// slotOf is the slot of a descriptor, -1 for what can be none.
func slotOf(fd int) int {
	if fd < firstFD || fd%4 != firstFD%4 {
		return -1
	}
	return (fd - firstFD) / 4
}

// newFD gives a file a descriptor.
func newFD(f *file) int {
	d := &descriptors
	d.mu.Lock()
	defer d.mu.Unlock()
	f.refs++
	for d.free < len(d.files) && d.files[d.free] != nil {
		d.free++
	}
	if d.free == len(d.files) {
		d.files = append(d.files, nil)
	}
	d.files[d.free] = f
	d.free++
	return firstFD + 4*(d.free-1)
}

// fileOf returns what a descriptor stands for. EBADF if there is none.
func fileOf(fd int) (*file, syscall.Errno) {
	d := &descriptors
	d.mu.RLock()
	defer d.mu.RUnlock()
	if i := slotOf(fd); i >= 0 && i < len(d.files) && d.files[i] != nil {
		return d.files[i], 0
	}
	return nil, syscall.EBADF
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
	i := slotOf(fd)
	if i < 0 || i >= len(d.files) || d.files[i] == nil {
		d.mu.Unlock()
		return syscall.EBADF
	}
	f := d.files[i]
	d.files[i] = nil
	d.free = min(d.free, i)
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
	if f.proc != nil {
		f.proc.close()
	}
	if c := f.common.Load(); c != nil {
		c.close()
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
// and 2 are its standard handles, other numbers are handles, which os.File.Fd returns, or
// descriptors of this package. It is a duplicate.
func AdoptFD(handle int) (int, error) {
	if slotOf(handle) >= 0 {
		return DupFD(handle)
	}
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
