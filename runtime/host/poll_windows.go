//go:build amd64

package host

import (
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// The system can wait for some things at once, but not for all that descriptors are. So
// a poll looks at each, and sleeps until its event says that it should look again:
// pipes and sockets made here set it, sockets of the system and consoles too, with a
// limit; pipes of other programs can only be looked at again every few milliseconds.

// A look is a file being polled.
type look struct {
	f    *file
	want int16
	got  int16
}

// Poll waits until a descriptor is ready or the relative timeout in nanoseconds has
// passed; a negative timeout is none. It returns the number of descriptors whose Revents
// is not zero.
func (t *Thread) Poll(fds []PollFD, timeout int64) (int, syscall.Errno) {
	looks := make([]look, len(fds))
	for i := range fds {
		if fds[i].FD < 0 {
			continue
		}
		f, e := fileOf(int(fds[i].FD))
		looks[i] = look{f: f, want: fds[i].Events}
		if e != 0 {
			looks[i].got = PollNval
		}
	}
	n, e := t.poll(looks, after(timeout))
	for i := range fds {
		fds[i].Revents = looks[i].got & (fds[i].Events | PollErr | PollHup | PollNval)
	}
	return n, e
}

func (t *Thread) poll(looks []look, until deadline) (int, syscall.Errno) {
	w := watcher{event: t.wake, limit: longest, until: until}
	watching, at := false, moved.Load()
	defer func() {
		if watching {
			w.forget(looks)
		}
	}()
	for {
		n, err := refresh(looks)
		if err != nil || n > 0 || until.passed() {
			return n, errnoIn(err)
		}
		if now := moved.Load(); watching && now != at { // to where other events tell of it
			w.forget(looks)
			watching, at, w.handles = false, now, nil
		}
		if !watching { // and look once more, for what came meanwhile
			watching = true
			for i := range looks {
				if looks[i].f != nil {
					w.watch(&looks[i])
				}
			}
			continue
		}
		if e := t.sleep(w.until, w.limit, w.handles...); e != 0 {
			return 0, e
		}
	}
}

// refresh looks at everything, and returns how much is ready.
func refresh(looks []look) (n int, err error) {
	var sockets []wsaPollFD
	var which []int
	for i := range looks {
		l := &looks[i]
		switch {
		case l.f == nil:
		case l.f.kind.Socket() && l.f.end == nil:
			sockets = append(sockets, wsaPollFD{h: l.f.h, events: toWSA(l.want)})
			which = append(which, i)
			continue
		default:
			l.got = l.f.ready() & (l.want | PollErr | PollHup)
		}
		if l.got != 0 {
			n++
		}
	}
	if err := pollSockets(sockets); err != nil {
		return n, err
	}
	for k, i := range which {
		if looks[i].got = fromWSA(sockets[k].revents); looks[i].got != 0 {
			n++
		}
	}
	return n, nil
}

// ready tells which events have occurred, of anything but a socket of the system.
func (f *file) ready() int16 {
	switch {
	case f.end != nil:
		return f.end.ready()
	case f.q != nil:
		return f.q.ready()
	case f.tm != nil:
		return f.tm.ready()
	case f.proc != nil:
		return f.proc.ready()
	case f.kind == KindTTY:
		return f.readyConsole()
	case f.kind == KindPipe:
		return f.readyPipe()
	}
	return PollIn | PollOut
}

// readyPipe is ready for a pipe of other programs.
func (f *file) readyPipe() (events int16) {
	if f.unreadBytes() > 0 {
		events = PollIn
	}
	read, gone, err := pipeState(f.h)
	if err != nil {
		if _, err := peekPipe(f.h); err != nil {
			return PollIn | PollHup
		}
		return PollIn | PollOut // who then tries, will see
	}
	if f.read && (read > 0 || gone) {
		events |= PollIn
	}
	switch {
	case gone && f.write:
		events |= PollErr | PollHup
	case gone:
		events |= PollHup
	case f.write:
		// How much it would take, the system does not tell reliably: 0 while somebody waits
		// to read, and always under Wine. A write may therefore have to wait.
		events |= PollOut
	}
	return events
}

func (f *file) readyConsole() int16 {
	if !f.read {
		return PollOut
	}
	var events uint32
	if err := windows.GetNumberOfConsoleInputEvents(f.h, &events); err != nil {
		return PollOut // the screen
	}
	if events > 0 {
		return PollIn
	}
	return 0
}

// A watcher is what a poll sleeps by.
type watcher struct {
	event   windows.Handle
	handles []windows.Handle // that are signalled when something can be read
	limit   time.Duration
	until   deadline
}

// watch arranges that a change of a file ends the sleep.
func (w *watcher) watch(l *look) {
	f := l.f
	switch {
	case f.end != nil && f.end.far() != nil:
		w.limit = min(w.limit, endDeathWait)
		if len(w.handles) < 60 {
			w.handles = append(w.handles, f.end.far().events(l.want)...)
		} else {
			w.limit = min(w.limit, shortest)
		}
	case f.end != nil:
		f.end.watch.add(f.end.mu, w.event)
	case f.q != nil:
		f.q.each(w.watch)
		f.q.watch.add(&f.q.mu, w.event)
	case f.tm != nil:
		if at := f.tm.next(); at >= 0 && (w.until < 0 || at < w.until) {
			w.until = at
		}
	case f.kind.Socket():
		_, _ = winsock(procEventSelect, uintptr(f.h), uintptr(w.event), allNetworkEvents)
		w.limit = min(w.limit, socketSlice)
	case f.proc != nil && len(w.handles) < 60:
		w.handles = append(w.handles, f.proc.child)
	case f.proc != nil:
		w.limit = min(w.limit, shortest)
	case f.kind == KindTTY && f.read && len(w.handles) < 60:
		w.handles = append(w.handles, f.h)
		w.limit = min(w.limit, socketSlice)
	case f.kind == KindPipe:
		w.limit = min(w.limit, shortest)
	}
}

// forget ends that.
func (w *watcher) forget(looks []look) {
	for i := range looks {
		switch f := looks[i].f; {
		case f == nil:
		case f.end != nil:
			f.end.watch.remove(f.end.mu, w.event)
		case f.q != nil:
			f.q.each(func(l *look) {
				if l.f.end != nil {
					l.f.end.watch.remove(l.f.end.mu, w.event)
				}
			})
			f.q.watch.remove(&f.q.mu, w.event)
		}
	}
}
