//go:build amd64

package host

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/windows"
)

// Descriptors that are sent through a local socket whose ends several processes have are
// received by one that nobody knows yet, perhaps when the sender is gone. Their handles are
// put into a process that outlives both, the keeper: one that was started and never runs.
//
// The processes that come of one another by forks are a family. They share a page that says
// who its keeper is, and all have a handle of the first of them, the root. Nobody but the
// root has the job that the keeper is in, so that it ends with the root, as those do whose
// process descriptors the root has. (If others had it, a process whose descriptor is lost on
// its way would keep itself alive.) The keeper is started for the first descriptors that
// need one, by whoever sends them.
//
// What is sent is written down as for a fork (given), in a section whose handle the keeper
// has, too; that number lies in the page of the ends, beside the bytes (endLetter). Who
// receives the bytes takes the handles from the keeper, with the lock of the ends held, so
// that nobody takes them twice. Who closes the last handle of an end, as a pipe of the
// system tells, closes what was on its way there. What is lost until the root ends: what
// was on its way between processes that are all killed, and ends that nobody has but
// messages to themselves.

// A family is this process's part in it.
type family struct {
	mu      sync.Mutex
	handles [familyHandles]windows.Handle // 0 until it is needed
	page    *familyPage
	keeper  windows.Handle // 0 until it is needed
}

// Handles of a family, in handlesEnv behind those of a process.
const (
	familySection = iota
	familyMutex
	familyRoot
	familyHandles
)

const rootAccess = windows.PROCESS_DUP_HANDLE | windows.SYNCHRONIZE

// A familyPage lies in the section, guarded by the mutex.
type familyPage struct {
	keeper uint32 // its number, 0 while there is none
}

var ours family

// join makes the family whose handles these are this process's, or with zeros a new one
// that those to come can be given.
func (f *family) join(handles [familyHandles]windows.Handle) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.page != nil {
		return nil
	}
	inherited := &windows.SecurityAttributes{Length: uint32(securityAttributesSize), InheritHandle: 1}
	f.handles = handles
	h := &f.handles
	if h[familySection] == 0 {
		h[familySection], err = windows.CreateFileMapping(windows.InvalidHandle, inherited, windows.PAGE_READWRITE,
			0, PageSize, nil)
		if err == nil {
			h[familyMutex], err = windows.CreateMutex(inherited, false, nil)
		}
		if err == nil {
			self := windows.CurrentProcess()
			err = windows.DuplicateHandle(self, self, self, &h[familyRoot], rootAccess, true, 0)
		}
	}
	if err == nil {
		var at uint64
		if at, err = mapView(h[familySection], windows.FILE_MAP_WRITE, 0); err == nil {
			f.page = (*familyPage)(pointer(at))
			return nil
		}
	}
	for i := range h {
		if h[i] != 0 {
			_ = windows.CloseHandle(h[i])
		}
		h[i] = 0
	}
	return fmt.Errorf("what forked processes have in common cannot be made: %w", errorOf(err))
}

// familyKeeper returns the handle of the family's keeper, which it starts if there is none.
func familyKeeper() (windows.Handle, error) {
	f := &ours
	if err := f.join([familyHandles]windows.Handle{}); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keeper != 0 {
		return f.keeper, nil
	}
	lockMutex(f.handles[familyMutex])
	defer unlockMutex(f.handles[familyMutex])
	h, err := f.openKeeper()
	if err == nil {
		f.keeper = h
	}
	return h, err
}

func (f *family) openKeeper() (windows.Handle, error) {
	if f.page.keeper == 0 {
		h, pid, err := startKeeper(f.handles[familyRoot])
		if err != nil {
			return 0, fmt.Errorf("no process can be had that keeps descriptors which are on their way: %w", errorOf(err))
		}
		f.page.keeper = pid
		return h, nil
	}
	h, err := windows.OpenProcess(windows.PROCESS_DUP_HANDLE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, f.page.keeper)
	if s, werr := windows.WaitForSingleObject(f.handles[familyRoot], 0); err == nil && (werr != nil || s == windows.WAIT_OBJECT_0) {
		_ = windows.CloseHandle(h) // perhaps of a stranger that has its number now
		err = errors.New("the first of the processes has ended, and with it this one")
	}
	if err != nil {
		return 0, fmt.Errorf("the process that keeps descriptors which are on their way cannot be reached: %w", errorOf(err))
	}
	return h, nil
}

// startKeeper starts this program, but does not let it run, and makes it end with root.
func startKeeper(root windows.Handle) (windows.Handle, uint32, error) {
	job, err := newJob()
	if err != nil {
		return 0, 0, err
	}
	defer windows.CloseHandle(job)
	pid, h, err := startSuspended(job, windows.DETACHED_PROCESS, os.Environ(), nil, nil)
	if err != nil {
		return 0, 0, err
	}
	_, err = giveHandle(job, root)
	if err != nil {
		_ = windows.TerminateProcess(h, 1)
		_ = windows.CloseHandle(h)
		return 0, 0, err
	}
	return h, pid, nil
}

// fetch makes a handle of the keeper's this process's own. The keeper loses it unless it is
// to stay.
func fetch(keeper windows.Handle, number uint64, stay bool) (own windows.Handle, err error) {
	options := uint32(windows.DUPLICATE_SAME_ACCESS)
	if !stay {
		options |= windows.DUPLICATE_CLOSE_SOURCE
	}
	err = windows.DuplicateHandle(keeper, windows.Handle(number), windows.CurrentProcess(), &own, 0, false, options)
	return own, err
}

// numbersOf writes handles down for handlesEnv.
func numbersOf(hs ...windows.Handle) (out []string, inherited []windows.Handle) {
	for _, h := range hs {
		out = append(out, strconv.FormatUint(uint64(h), 16))
		inherited = append(inherited, h)
	}
	return out, inherited
}
