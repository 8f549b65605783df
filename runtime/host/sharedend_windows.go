//go:build amd64

package host

import (
	"encoding/binary"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// Once another process has a pipe's or a socket's end, what both ends share lies in a
// section that all map, guarded by a mutex of the system. Events tell that an end can be
// read or written; they are set with the mutex held whenever that may have become so, and
// reset with it held by whoever finds that it is not. That the processes of an end are all
// gone, however they went, a pipe of the system tells, which carries nothing: they hold one
// side of it, the other end looks whether that is broken.

// A sharedEnd is one end, as one process has it.
type sharedEnd struct {
	*endPage
	side    int // 0 or 1: which of the two it is
	handles [endHandles]windows.Handle
}

// Handles of a sharedEnd. readable and writable have one event for each side.
const (
	endSection = iota
	endMutex
	endReadable  // for side 0; for side 1 the next
	endWritable  = endReadable + 2
	endHeld      = endWritable + 2 // open as long as somebody has this end
	endPeer      = endHeld + 1     // broken once nobody has the other
	endOwn       = endPeer + 1     // broken once nobody has this end, which who closes it looks at
	endHandles   = endOwn + 1
	endRing      = 2 * pipeSize // room for pipeSize bytes of a stream, and for lengths of messages
	endLength    = 4            // bytes of the length before a message
	endDeathWait = 20 * time.Millisecond
)

// An endPage is what lies in the section: for each side what it is to receive.
type endPage struct {
	kind      FileKind
	connected bool
	half      [2]endHalf
}

type endHalf struct {
	head, size      uint32 // where the oldest byte lies in the ring, and how many there are
	taken           uint64 // how many there ever were before it
	noRead, noWrite bool   // the side has shut down
	letter, waiting uint32 // the first of letters, and how many there are
	letters         [endLetters]endLetter
	ring            [endRing]byte
}

// share moves what p and its peer have into memory that other processes can map, if that
// has not been done, and returns p's side. Until descriptors on their way are in the keeper,
// the lock is held; no other is meanwhile, for they may be ends as well, even these.
func (p *endpoint) share() (*sharedEnd, error) {
	p.mu.Lock()
	if p.shared != nil {
		defer p.mu.Unlock()
		return p.shared, nil
	}
	mine, theirs, err := newSharedEnds(p.kind, p.connected)
	if err != nil {
		p.mu.Unlock()
		return nil, errorOf(err)
	}
	mine.lock()
	defer mine.unlock()
	travelling := p.moveTo(mine)
	if q := p.peer; q != nil {
		travelling = append(travelling, q.moveTo(theirs)...)
		p.peer, q.peer = nil, nil
	} else {
		theirs.close()
	}
	p.mu.Unlock()
	for _, t := range travelling {
		l, e := park(t.files)
		if e != nil {
			err = e
		}
		t.letter.section, t.letter.size = l.section, l.size
		release(t.files)
	}
	return mine, err
}

// travellers are descriptors on their way that have to be put into the keeper.
type travellers struct {
	letter *endLetter
	files  []*file
}

// moveTo moves what an end has. Who waits for it looks again.
func (p *endpoint) moveTo(s *sharedEnd) (out []travellers) {
	messages := p.kind.Messages()
	in := s.in()
	for _, k := range p.in {
		if len(k.files) > 0 {
			out = append(out, travellers{in.addLetter(endLetter{}, weight(len(k.data), messages)), k.files})
		}
		in.put(k.data, messages)
	}
	in.noRead, in.noWrite = p.noRead, p.noWrite
	p.in, p.size, p.shared = nil, 0, s
	moved.Add(1)
	p.watch.wake()
	return out
}

// newSharedEnds makes two ends.
func newSharedEnds(k FileKind, connected bool) (a, b *sharedEnd, err error) {
	a, b = new(sharedEnd), &sharedEnd{side: 1}
	defer func() {
		if err != nil {
			a.close()
			b.close()
		}
	}()
	h := &a.handles
	h[endSection], err = windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, 0, endPageSize, nil)
	if err == nil {
		h[endMutex], err = windows.CreateMutex(nil, false, nil)
	}
	for i := endReadable; err == nil && i < endReadable+4; i++ {
		h[i], err = windows.CreateEvent(nil, 1, 1, nil)
	}
	self := windows.CurrentProcess()
	for i := endSection; err == nil && i < endReadable+4; i++ {
		err = windows.DuplicateHandle(self, h[i], self, &b.handles[i], 0, false, windows.DUPLICATE_SAME_ACCESS)
	}
	if err == nil {
		err = windows.CreatePipe(&b.handles[endPeer], &a.handles[endHeld], nil, 0)
	}
	if err == nil {
		err = windows.CreatePipe(&a.handles[endPeer], &b.handles[endHeld], nil, 0)
	}
	for _, e := range []struct{ own, peer *sharedEnd }{{a, b}, {b, a}} {
		if err == nil {
			err = windows.DuplicateHandle(self, e.peer.handles[endPeer], self, &e.own.handles[endOwn], 0, false,
				windows.DUPLICATE_SAME_ACCESS)
		}
	}
	if err == nil {
		err = a.open()
	}
	if err == nil {
		err = b.open()
	}
	if err == nil {
		a.kind, a.connected = k, connected
	}
	return a, b, err
}

// open maps the section.
func (s *sharedEnd) open() error {
	at, err := mapView(s.handles[endSection], windows.FILE_MAP_WRITE, 0)
	if err == nil {
		s.endPage = (*endPage)(pointer(at))
	}
	return err
}

// close gives up this process's part of the end. Descriptors that nobody will receive any
// more are closed.
func (s *sharedEnd) close() {
	h := &s.handles
	var lost []*file
	defer func() { release(lost) }()
	if s.endPage != nil {
		s.lock()
		_ = windows.CloseHandle(h[endHeld])
		h[endHeld] = 0
		if broken(h[endOwn]) {
			lost = s.in().emptied()
			if s.peerGone() { // perhaps it was killed
				lost = append(lost, s.out().emptied()...)
			}
		}
		s.wake(1 - s.side)
		s.unlock()
		_ = windows.UnmapViewOfFile(addressOfEnd(s.endPage))
	}
	for _, h := range h {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
	}
}

func (s *sharedEnd) lock()   { lockMutex(s.handles[endMutex]) }
func (s *sharedEnd) unlock() { unlockMutex(s.handles[endMutex]) }

// wake makes those who wait at one side look again. The lock is held.
func (s *sharedEnd) wake(side int) {
	_ = windows.SetEvent(s.handles[endReadable+side])
	_ = windows.SetEvent(s.handles[endWritable+side])
}

// in is what this side is to receive, out what the other is.
func (s *sharedEnd) in() *endHalf  { return &s.half[s.side] }
func (s *sharedEnd) out() *endHalf { return &s.half[1-s.side] }

// peerGone reports whether nobody has the other end.
func (s *sharedEnd) peerGone() bool { return broken(s.handles[endPeer]) }

// broken reports whether nobody has the other side of a pipe.
func broken(h windows.Handle) bool {
	_, err := peekPipe(h)
	return err != nil
}

// wait releases the lock, sleeps until the event may be worth a look, and takes it again.
func (s *sharedEnd) wait(t *Thread, event int) syscall.Errno {
	h := s.handles[event+s.side]
	_ = windows.ResetEvent(h)
	s.unlock()
	e := t.sleep(-1, endDeathWait, h)
	s.lock()
	return e
}

// ready is endpoint.ready. It resets the events of what is not.
func (s *sharedEnd) ready() (events int16) {
	s.lock()
	defer s.unlock()
	in, out := s.in(), s.out()
	ended := s.connected && s.peerGone()
	if in.size > 0 || ended || in.noRead || s.connected && out.noWrite {
		events |= PollIn
	} else {
		_ = windows.ResetEvent(s.handles[endReadable+s.side])
	}
	switch {
	case ended && s.kind == KindPipe:
		events |= PollErr | PollHup
	case ended:
		events |= PollOut | PollHup
	case s.connected && out.room(s.kind.Messages()) > 0 && out.waiting < endLetters:
		events |= PollOut
	default:
		_ = windows.ResetEvent(s.handles[endWritable+s.side])
	}
	return events
}

// events are the handles that tell when ready may answer one of want.
func (s *sharedEnd) events(want int16) (h []windows.Handle) {
	if want&PollIn != 0 {
		h = append(h, s.handles[endReadable+s.side])
	}
	if want&PollOut != 0 {
		h = append(h, s.handles[endWritable+s.side])
	}
	return h
}

// send is endpoint.send of data and what was parked, or nil. With an error nothing has
// been sent.
func (s *sharedEnd) send(t *Thread, data []byte, l *endLetter, flags MessageFlags) (n int, e syscall.Errno) {
	s.lock()
	defer s.unlock()
	out, messages := s.out(), s.kind.Messages()
	for first := true; first || len(data) > 0; first = false {
		for !out.fits(len(data), messages, l) {
			if e := s.sendable(n); e != 0 || n > 0 && s.broken() {
				return n, e
			}
			if flags&MsgDontWait != 0 {
				return n, orEAGAIN(n)
			}
			if e := s.wait(t, endWritable); e != 0 {
				if n > 0 {
					e = 0
				}
				return n, e
			}
		}
		if e := s.sendable(n); e != 0 || n > 0 && s.broken() {
			return n, e
		}
		k := len(data)
		if !messages {
			k = min(k, out.room(false))
		}
		if k > 0 || messages {
			if l != nil {
				out.addLetter(*l, weight(k, messages))
				l = nil
			}
			out.put(data[:k], messages)
			s.wake(1 - s.side)
		}
		n, data = n+k, data[k:]
	}
	return n, 0
}

// sendable says why nothing can be sent; n bytes have been.
func (s *sharedEnd) sendable(n int) syscall.Errno {
	switch {
	case !s.connected:
		return syscall.ENOTCONN
	case s.broken():
		return gone(n, s.kind)
	}
	return 0
}

// broken reports whether nobody can receive what this end sends.
func (s *sharedEnd) broken() bool { return s.in().noWrite || s.out().noRead || s.peerGone() }

// receive is endpoint.receive, behind the first n bytes of v.
func (s *sharedEnd) receive(t *Thread, v []Iovec, n int, room bool, flags MessageFlags) (
	int, []*file, MessageFlags, syscall.Errno) {
	want := total(v)
	s.lock()
	defer s.unlock()
	in := s.in()
	for {
		for in.size == 0 {
			switch {
			case !s.connected:
				return n, nil, 0, syscall.ENOTCONN
			case in.noRead, s.out().noWrite, s.peerGone(), n > 0 && flags&MsgWaitAll == 0:
				return n, nil, 0, 0
			case flags&MsgDontWait != 0:
				return n, nil, 0, orEAGAIN(n)
			}
			if e := s.wait(t, endReadable); e != 0 {
				if n > 0 {
					e = 0
				}
				return n, nil, 0, e
			}
		}
		k, files, got, ended, e := s.take(v, n, want, room, flags)
		n += k
		if e != 0 || ended || uint64(n) == want {
			return n, files, got, e
		}
	}
}

// take copies what comes first to v behind n bytes, k of them, and removes it unless it is
// to be looked at only. With MsgTruncated it returns how long a message is. ended is true
// when the receive takes no more.
func (s *sharedEnd) take(v []Iovec, n int, want uint64, room bool, flags MessageFlags) (
	k int, files []*file, got MessageFlags, ended bool, e syscall.Errno) {
	in, messages, peek := s.in(), s.kind.Messages(), flags&MsgPeek != 0
	skip, long, l := in.next(messages, peek, want-uint64(n))
	k = int(min(uint64(long), want-uint64(n)))
	b := make([]byte, k)
	in.get(b, skip)
	if e := scatter(v, n, b); e != 0 {
		return 0, nil, 0, true, e
	}
	if messages && k < long {
		got = MsgTruncated
	}
	switch {
	case l == nil:
	case peek && !room:
		got |= MsgFDsTruncated
	default:
		if files = l.open(peek); len(files) == 0 {
			got |= MsgFDsTruncated // they are lost
		}
	}
	if peek {
		if messages && flags&MsgTruncated != 0 {
			k = long
		}
		return k, files, got, true, 0
	}
	gone := k
	if messages {
		gone = skip + long
	}
	if l != nil {
		in.dropLetter()
	}
	in.head, in.size = (in.head+uint32(gone))%endRing, in.size-uint32(gone)
	in.taken += uint64(gone)
	s.wake(1 - s.side)
	return k, files, got, messages || l != nil || in.size > 0, 0
}

// pending is endpoint.pending.
func (s *sharedEnd) pending() int {
	s.lock()
	defer s.unlock()
	in := s.in()
	if s.kind.Messages() && in.size > 0 {
		return in.first()
	}
	return int(in.size)
}

func (s *sharedEnd) shutdown(read, write bool) syscall.Errno {
	s.lock()
	defer s.unlock()
	if !s.connected {
		return syscall.ENOTCONN
	}
	in := s.in()
	in.noRead, in.noWrite = in.noRead || read, in.noWrite || write
	s.wake(0)
	s.wake(1)
	return 0
}

// room is how many bytes of a stream, or of a message, there is room for.
func (h *endHalf) room(messages bool) int {
	if messages {
		return max(0, endRing-endLength-int(h.size))
	}
	return pipeSize - int(h.size)
}

// fits tells whether a message fits, or a byte of a stream.
func (h *endHalf) fits(n int, messages bool, l *endLetter) bool {
	room := h.room(messages)
	return room > 0 && (!messages || room >= n) && (l == nil || h.waiting < endLetters)
}

// weight is how many bytes a piece of n, or a message of so many, takes.
func weight(n int, message bool) int {
	if message {
		return n + endLength
	}
	return n
}

// put adds bytes, or a message, for which there is room.
func (h *endHalf) put(b []byte, message bool) {
	if message {
		h.put(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), false)
	}
	at := (h.head + h.size) % endRing
	n := copy(h.ring[at:], b)
	copy(h.ring[:], b[n:])
	h.size += uint32(len(b))
}

// get copies what lies behind the first skip bytes.
func (h *endHalf) get(b []byte, skip int) {
	at := (h.head + uint32(skip)) % endRing
	n := copy(b, h.ring[at:])
	copy(b[n:], h.ring[:])
}

// first is the length of the first message.
func (h *endHalf) first() int {
	var b [endLength]byte
	h.get(b[:], 0)
	return int(binary.LittleEndian.Uint32(b[:]))
}
