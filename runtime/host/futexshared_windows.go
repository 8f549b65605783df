//go:build amd64

package host

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// Threads that wait for a word of a shared mapping may be found by any process of the
// user's session: they stand in a table that all of those map, by the file that the word
// is of, and each has an event whose name tells whose it is. The name is gone with its
// process, so whoever was killed while waiting is found to be so, and is not counted.

// futexSlots is how many threads of a session can wait at a time. When there is no slot, a
// wait ends at once, with FutexChanged, and its caller looks again.
const futexSlots = 4096

// A futexPage is that table, with its own mutex.
type futexPage struct {
	next uint32 // order of the next waiter
	high uint32 // no slot from here on is used
	slot [futexSlots]futexSlot
}

// A futexKey is where a word lies, for every process.
type futexKey struct {
	dev, ino uint64
	off      int64
}

// A futexSlot is a thread that waits; pid 0 is none.
type futexSlot struct {
	pid, tid    uint32
	key         futexKey
	mask, order uint32
	woken       bool
}

// session is the table.
var session struct {
	once  sync.Once
	mutex windows.Handle
	page  *futexPage // nil if it cannot be had
}

// sessionName begins the names of objects that the user's processes share.
var sessionName = sync.OnceValue(func() string {
	user := "anybody"
	if u, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil {
		user = u.User.Sid.String()
	}
	return `Local\cabitrans-1-` + user + "-"
})

func named(name string) *uint16 {
	p, err := windows.UTF16PtrFromString(sessionName() + name)
	if err != nil {
		panic("host: a name has a zero character")
	}
	return p
}

// sessionTable returns the session's table, nil if there is none.
func sessionTable() *futexPage {
	s := &session
	s.once.Do(func() {
		section, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, 0, futexPageSize,
			named("futexes"))
		if section == 0 || err != nil && err != windows.ERROR_ALREADY_EXISTS {
			return
		}
		if s.mutex, err = windows.CreateMutex(nil, false, named("futex-lock")); s.mutex == 0 {
			return
		}
		if at, err := mapView(section, windows.FILE_MAP_WRITE, 0); err == nil {
			s.page = (*futexPage)(pointer(at))
		}
	})
	return s.page
}

// futexKeyOf returns where the word at addr lies, and false when it is this process's own.
func futexKeyOf(addr uint64) (k futexKey, ok bool) {
	if addr >= ArenaHi || !Viewed(addr) {
		return k, false
	}
	v, ok := viewAt(addr / granule)
	if !ok {
		return k, false
	}
	defer v.release()
	return futexKey{v.dev, v.ino, v.off + int64(addr%granule)}, true
}

// waiterEvent is the name of the event of a thread that waits.
func waiterEvent(pid, tid uint32) *uint16 { return named(fmt.Sprintf("waiter-%d-%d", pid, tid)) }

// waitShared is FutexWait for a word that other processes may have.
func (t *Thread) waitShared(k futexKey, addr uint64, val, mask uint32, clock Clock, deadline int64) FutexResult {
	p := sessionTable()
	if p == nil {
		return FutexFault
	}
	if t.shared == 0 {
		h, err := windows.CreateEvent(nil, 0, 0, waiterEvent(windows.GetCurrentProcessId(), t.tid))
		if h == 0 {
			panic("host: cannot make an event to wait for: " + err.Error())
		}
		t.shared = h
	}
	lockMutex(session.mutex)
	now, err := Load32(addr)
	if err != nil || now != val {
		unlockMutex(session.mutex)
		if err != nil {
			return FutexFault
		}
		return FutexChanged
	}
	w := p.add(futexSlot{pid: windows.GetCurrentProcessId(), tid: t.tid, key: k, mask: mask})
	unlockMutex(session.mutex)
	if w == nil {
		t.Yield()
		return FutexChanged
	}
	for {
		r := t.sleepShared(clock, deadline)
		lockMutex(session.mutex)
		if w.woken {
			r = FutexWoken
		}
		if r != FutexChanged {
			w.pid = 0
			unlockMutex(session.mutex)
			return r
		}
		unlockMutex(session.mutex)
	}
}

// sleepShared sleeps until there is a reason to look: FutexChanged if it is none of the
// other two.
func (t *Thread) sleepShared(clock Clock, at int64) FutexResult {
	limit := longest
	if at >= 0 {
		now, _ := Now(clock) // the clocks of FutexWait cannot fail
		if now >= at {
			return FutexTimedOut
		}
		limit = time.Duration(waitFor(clock, at-now)) * time.Millisecond
	}
	if t.sleep(-1, limit, t.shared) != 0 {
		return FutexInterrupted
	}
	return FutexChanged
}

// add puts a waiter into the table, nil when that is full. The lock is held.
func (p *futexPage) add(w futexSlot) *futexSlot {
	w.order = p.next
	p.next++
	for i := range p.slot {
		s := &p.slot[i]
		if uint32(i) == p.high || s.pid == 0 {
			*s = w
			p.high = max(p.high, uint32(i)+1)
			return s
		}
	}
	for i := range p.slot { // perhaps there are some that were killed
		p.slot[i].alive()
	}
	return nil
}

// event opens the event of a waiter, or frees its slot if its process is gone. The lock is held.
func (s *futexSlot) event() (h windows.Handle, ok bool) {
	h, err := windows.OpenEvent(windows.EVENT_MODIFY_STATE, false, waiterEvent(s.pid, s.tid))
	if err != nil {
		s.pid = 0
	}
	return h, err == nil
}

// alive tells whether a waiter's process is there, and frees its slot if not. The lock is
// held.
func (s *futexSlot) alive() bool {
	h, ok := s.event()
	if ok {
		_ = windows.CloseHandle(h)
	}
	return ok
}

// wake sets the waiter's event; false if there is nobody any more.
func (s *futexSlot) wake() bool {
	h, ok := s.event()
	if ok {
		s.woken = true
		_ = windows.SetEvent(h)
		_ = windows.CloseHandle(h)
	}
	return ok
}

// sleepers lists those who sleep on a word with a bit of mask, the oldest first. The lock
// is held.
func (p *futexPage) sleepers(k futexKey, mask uint32) (out []*futexSlot) {
	for i := range p.slot[:p.high] {
		if s := &p.slot[i]; s.pid != 0 && !s.woken && s.key == k && s.mask&mask != 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *futexSlot) int { return int(int32(a.order - b.order)) })
	return out
}

// wakeShared is FutexWake for such a word.
func wakeShared(k futexKey, n, mask uint32) (woken int) {
	p := sessionTable()
	if p == nil {
		return 0
	}
	lockMutex(session.mutex)
	defer unlockMutex(session.mutex)
	return p.wake(k, n, mask)
}

// wake wakes up to n. The lock is held.
func (p *futexPage) wake(k futexKey, n, mask uint32) (woken int) {
	for _, s := range p.sleepers(k, mask) {
		if uint32(woken) == n {
			break
		}
		if s.wake() {
			woken++
		}
	}
	return woken
}

// wakeSharedCount is FutexWakeCount for such a word.
func wakeSharedCount(k futexKey, addr uint64, n, val uint32) (slept int, r FutexResult) {
	p := sessionTable()
	if p == nil {
		return 0, FutexFault
	}
	lockMutex(session.mutex)
	defer unlockMutex(session.mutex)
	now, err := Load32(addr)
	if err != nil {
		return 0, FutexFault
	}
	if now != val {
		return 0, FutexChanged
	}
	for _, s := range p.sleepers(k, FutexAll) {
		if s.alive() {
			slept++
		}
	}
	p.wake(k, n, FutexAll)
	return slept, FutexWoken
}
