//go:build amd64

package host

import (
	"encoding/json"
	"syscall"

	"golang.org/x/sys/windows"
)

// An endLetter is what the page of two ends says of descriptors on their way: the bytes
// that they go with, and who they are.
type endLetter struct {
	from, to uint64 // bytes of the ring, counted from the first that was ever put there
	section  uint64 // the keeper's handle of a []given; 0 when that could not be made
	size     uint64 // bytes of it
}

// endLetters is how many messages with descriptors can wait at one end.
const endLetters = 256

// park puts files into the keeper.
func park(files []*file) (l endLetter, err error) {
	keeper, err := familyKeeper()
	if err != nil {
		return l, err
	}
	var all []given
	defer func() {
		if err != nil {
			discard(keeper, all)
		}
	}()
	for _, f := range files {
		g, err := f.give(keeper, true)
		all = append(all, g)
		if err != nil {
			return l, err
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic("host: descriptors that are sent cannot be written down: " + err.Error())
	}
	h, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, 0, uint32(len(b)), nil)
	if err != nil {
		return l, errorOf(err)
	}
	defer windows.CloseHandle(h)
	if err := withView(h, windows.FILE_MAP_WRITE, len(b), func(view []byte) error { copy(view, b); return nil }); err != nil {
		return l, errorOf(err)
	}
	l.section, err = giveHandle(h, keeper)
	l.size = uint64(len(b))
	return l, err
}

// discard closes what was put into the keeper for nothing.
func discard(keeper windows.Handle, all []given) {
	for i := range all {
		all[i].each(func(h *uint64) {
			if own, err := fetch(keeper, *h, false); err == nil {
				_ = windows.CloseHandle(own)
			}
		})
	}
}

// open makes files of what park has put into the keeper, which still has it if it is to
// stay. Each has a reference. What cannot be had is missing.
func (l *endLetter) open(stay bool) (files []*file) {
	keeper, err := familyKeeper()
	if err != nil || l.section == 0 {
		return nil
	}
	h, err := fetch(keeper, l.section, stay)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(h)
	var all []given
	if err := withView(h, windows.FILE_MAP_READ, int(l.size), func(view []byte) error {
		return json.Unmarshal(view, &all)
	}); err != nil {
		return nil
	}
	for i := range all {
		if f, err := all[i].fetch(keeper, stay); err == nil {
			f.refs = 1
			files = append(files, f)
		}
	}
	return files
}

// fetch takes g from the keeper.
func (g *given) fetch(keeper windows.Handle, stay bool) (*file, error) {
	var failed error
	g.each(func(h *uint64) {
		own, err := fetch(keeper, *h, stay)
		if err != nil {
			own, failed = 0, errorOf(err)
		}
		*h = uint64(own)
	})
	if failed == nil {
		return g.take()
	}
	g.each(func(h *uint64) {
		if *h != 0 {
			_ = windows.CloseHandle(windows.Handle(*h))
		}
	})
	return nil, failed
}

// each calls do for all handles.
func (g *given) each(do func(*uint64)) {
	if g.Handle != 0 {
		do(&g.Handle)
	}
	for _, hs := range []*handles{g.Common, g.Process, g.End} {
		for i := 0; hs != nil && i < len(*hs); i++ {
			do(&(*hs)[i])
		}
	}
}

// addLetter notes descriptors that go with the next n bytes to be put. There is room.
func (h *endHalf) addLetter(l endLetter, n int) *endLetter {
	l.from = h.taken + uint64(h.size)
	l.to = l.from + uint64(n)
	at := &h.letters[(h.letter+h.waiting)%endLetters]
	h.waiting++
	*at = l
	return at
}

// firstLetter is the next, nil when none is on its way.
func (h *endHalf) firstLetter() *endLetter {
	if h.waiting == 0 {
		return nil
	}
	return &h.letters[h.letter]
}

// dropLetter removes the first.
func (h *endHalf) dropLetter() { h.letter, h.waiting = (h.letter+1)%endLetters, h.waiting-1 }

// next is what a receive may take at once: behind skip bytes, n bytes, with a letter or
// none. Of a stream, what lies before descriptors is not taken together with them, though
// looked at together.
func (h *endHalf) next(messages, peek bool, room uint64) (skip, n int, l *endLetter) {
	n, l = int(h.size), h.firstLetter()
	if messages {
		skip, n = endLength, h.first()
		if l != nil && l.from != h.taken {
			l = nil
		}
		return skip, n, l
	}
	if l == nil {
		return 0, n, nil
	}
	before := l.from - h.taken
	switch {
	case before == 0, peek && room > before:
		return 0, int(l.to - h.taken), l
	}
	return 0, int(before), nil
}

// emptied opens what is on its way to a half that nobody can read any more, for the caller
// to release without the lock.
func (h *endHalf) emptied() (files []*file) {
	for l := h.firstLetter(); l != nil; l = h.firstLetter() {
		files = append(files, l.open(false)...)
		h.dropLetter()
	}
	h.size = 0
	return files
}

// unattached is endpoint.unattached.
func (s *sharedEnd) unattached() (n int, e syscall.Errno) {
	s.lock()
	defer s.unlock()
	in := s.in()
	switch l := in.firstLetter(); {
	case in.size == 0:
		return 0, syscall.EAGAIN
	case l != nil:
		return int(l.from - in.taken), 0
	}
	return -1, 0
}
