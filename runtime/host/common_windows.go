//go:build amd64

package host

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// A common is what the processes that share an open file description have in common: a
// page that all map, and a mutex for it.
type common struct {
	section, mutex windows.Handle
	*commonPage
}

type commonPage struct {
	off   int64 // file.off
	flags atomic.Uint32
}

// makeCommon makes f's, if it has none yet.
func (f *file) makeCommon() (*common, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.common.Load(); c != nil {
		return c, nil
	}
	section, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, 0, PageSize, nil)
	if err != nil {
		return nil, errorOf(err)
	}
	mutex, err := windows.CreateMutex(nil, false, nil)
	if err != nil {
		_ = windows.CloseHandle(section)
		return nil, errorOf(err)
	}
	c, err := openCommon(section, mutex)
	if err != nil {
		return nil, err
	}
	c.off = f.off
	c.flags.Store(f.flags.Load())
	f.common.Store(c)
	return c, nil
}

// openCommon takes over the handles.
func openCommon(section, mutex windows.Handle) (*common, error) {
	at, err := mapView(section, windows.FILE_MAP_WRITE, 0)
	if err != nil {
		_, _ = windows.CloseHandle(section), windows.CloseHandle(mutex)
		return nil, errorOf(err)
	}
	return &common{section, mutex, (*commonPage)(pointer(at))}, nil
}

func (c *common) close() {
	_ = windows.UnmapViewOfFile(addressOfCommon(c.commonPage))
	_, _ = windows.CloseHandle(c.section), windows.CloseHandle(c.mutex)
}

// lockMutex takes a mutex of the system, which belongs to an operating-system thread; a
// process that has ended with it has left nothing half done that matters.
func lockMutex(h windows.Handle) {
	runtime.LockOSThread()
	if _, err := windows.WaitForSingleObject(h, windows.INFINITE); err != nil {
		panic("host: a mutex cannot be waited for: " + err.Error())
	}
}

func unlockMutex(h windows.Handle) {
	_ = windows.ReleaseMutex(h)
	runtime.UnlockOSThread()
}

// lock makes the offset the caller's alone, and returns it, until unlock is called.
func (f *file) lock() (off *int64) {
	f.mu.Lock()
	if c := f.common.Load(); c != nil {
		lockMutex(c.mutex)
		return &c.off
	}
	return &f.off
}

func (f *file) unlock() {
	if c := f.common.Load(); c != nil {
		unlockMutex(c.mutex)
	}
	f.mu.Unlock()
}

// flagWord holds the status flags. They may move once, under f.mu.
func (f *file) flagWord() *atomic.Uint32 {
	if c := f.common.Load(); c != nil {
		return &c.flags
	}
	return &f.flags
}
