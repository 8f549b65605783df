//go:build amd64

package host

import (
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// Windows has local sockets neither in pairs nor with messages or descriptors, and
// nothing that waits for pipes and sockets at once. Pipes and local sockets of a
// guest's own are therefore kept here, in this process, until another gets one of their ends
// by a fork (sharedEnd).

// pipeSize is how many bytes of a stream, and of all messages, wait on their way.
const pipeSize = 64 << 10

// An endpoint is one end of a pipe or of a pair of sockets.
type endpoint struct {
	kind FileKind
	mu   *sync.Mutex // of both ends
	peer *endpoint   // nil once it is closed, and before there is one

	in              []packet // what has come
	size            int      // bytes in it, and of their lengths if they are messages
	letters         int      // pieces in it that have descriptors
	noRead, noWrite bool     // shut down
	connected       bool     // there is, or was, a peer
	watch           watchers
	shared          *sharedEnd // not nil once this is all that counts, and peer no longer
}

// A packet is a message, or a piece of a stream with the descriptors that were attached
// to it.
type packet struct {
	data  []byte
	files []*file
}

// newPair makes two ends.
func newPair(k FileKind) (a, b *endpoint) {
	mu := new(sync.Mutex)
	a, b = &endpoint{kind: k, mu: mu, connected: true}, &endpoint{kind: k, mu: mu, connected: true}
	a.peer, b.peer = b, a
	return a, b
}

// Pipe creates a pipe: an end to read and an end to write.
func Pipe() (r, w int, err error) {
	a, b := newPair(KindPipe)
	return newFD(&file{kind: KindPipe, end: a, read: true}), newFD(&file{kind: KindPipe, end: b, write: true}), nil
}

// SocketPair creates two connected local sockets.
func SocketPair(k FileKind) (a, b int, err error) {
	x, y := newPair(k)
	return newFD(&file{kind: k, end: x, read: true, write: true}), newFD(&file{kind: k, end: y, read: true, write: true}), nil
}

// LocalSocket creates a local socket without a name.
func LocalSocket(k FileKind) (int, error) {
	return newFD(&file{kind: k, end: &endpoint{kind: k, mu: new(sync.Mutex)}, read: true, write: true}), nil
}

// IsLocal reports whether a socket is a local one, which can carry descriptors.
func IsLocal(fd int) bool {
	f, e := fileOf(fd)
	return e == 0 && f.end != nil
}

// wait releases p.mu, sleeps until something may have changed, and takes it again.
func (p *endpoint) wait(t *Thread) syscall.Errno {
	p.watch = append(p.watch, t.wake)
	p.mu.Unlock()
	e := t.sleep(-1, longest)
	p.watch.remove(p.mu, t.wake)
	p.mu.Lock()
	return e
}

// far returns the end's part in what other processes have, nil while they have none.
func (p *endpoint) far() *sharedEnd {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shared
}

// moved counts ends that were moved to where other processes see them, for those who wait.
var moved atomic.Int64

// close ends this end. Descriptors that nobody will receive any more are closed.
func (p *endpoint) close() {
	if s := p.far(); s != nil {
		s.close()
		return
	}
	p.mu.Lock()
	lost := p.in
	p.in, p.size, p.letters = nil, 0, 0
	if q := p.peer; q != nil {
		q.peer = nil
		q.watch.wake()
	}
	p.peer = nil
	p.mu.Unlock()
	for _, k := range lost {
		release(k.files)
	}
}

// pending returns how many bytes wait to be read.
func (p *endpoint) pending() int {
	if s := p.far(); s != nil {
		return s.pending()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kind.Messages() {
		if len(p.in) == 0 {
			return 0
		}
		return len(p.in[0].data)
	}
	return p.size
}

// ready tells which of Poll's events have occurred.
func (p *endpoint) ready() (events int16) {
	if s := p.far(); s != nil {
		return s.ready()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.peer
	ended := p.connected && q == nil
	if len(p.in) > 0 || ended || p.noRead || q != nil && q.noWrite {
		events |= PollIn
	}
	switch {
	case ended && p.kind == KindPipe:
		events |= PollErr | PollHup
	case ended:
		events |= PollOut | PollHup
	case q != nil && q.size < pipeSize:
		events |= PollOut
	}
	return events
}

// send moves guest memory and descriptors to the other end. A stream takes what there
// is room for at a time; a message goes whole.
func (p *endpoint) send(t *Thread, v []Iovec, files []*file, flags MessageFlags) (n int, e syscall.Errno) {
	data, e := gather(v)
	if e != 0 {
		return 0, e
	}
	messages := p.kind.Messages()
	if messages && len(data) > pipeSize {
		return 0, syscall.EMSGSIZE
	}
	if len(data) == 0 && !messages {
		release(files) // they go with bytes only
		files = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for first := true; first || len(data) > 0; first = false {
		for {
			switch {
			case p.shared != nil:
				k, e := p.sendFar(t, data, files, flags)
				if n > 0 {
					e = 0
				}
				return n + k, e
			case !p.connected:
				return n, syscall.ENOTCONN
			case p.noWrite, p.peer == nil, p.peer.noRead:
				return n, gone(n, p.kind)
			}
			if p.peer.fits(len(data), len(files) > 0) {
				break
			}
			if flags&MsgDontWait != 0 {
				return n, orEAGAIN(n)
			}
			if e := p.wait(t); e != 0 {
				if n > 0 {
					e = 0
				}
				return n, e
			}
		}
		k := len(data)
		if !messages {
			k = min(k, pipeSize-p.peer.size)
		}
		if k > 0 || messages {
			if len(files) > 0 {
				p.peer.letters++
			}
			p.peer.in = append(p.peer.in, packet{data[:k:k], files})
			p.peer.size += weight(k, messages)
			p.peer.watch.wake()
			files = nil
		}
		n, data = n+k, data[k:]
	}
	return n, 0
}

// fits tells whether a message for p fits, or a byte of a stream.
func (p *endpoint) fits(n int, attached bool) bool {
	room := pipeSize - p.size
	return room > 0 && (!p.kind.Messages() || room >= n) && (!attached || p.letters < endLetters)
}

// sendFar is the rest of a send once other processes have the end. p.mu is held. Files are
// the caller's again when it fails.
func (p *endpoint) sendFar(t *Thread, data []byte, files []*file, flags MessageFlags) (n int, e syscall.Errno) {
	p.mu.Unlock()
	defer p.mu.Lock()
	if len(files) == 0 {
		return p.shared.send(t, data, nil, flags)
	}
	l, err := park(files)
	if err != nil {
		return 0, errnoIn(err)
	}
	if n, e = p.shared.send(t, data, &l, flags); e != 0 {
		release(l.open(false))
		return n, e
	}
	release(files) // the keeper has them
	return n, 0
}

// receiveFar is the rest of a receive, of which n bytes have come.
func (p *endpoint) receiveFar(t *Thread, v []Iovec, n int, room bool, flags MessageFlags) (
	int, []*file, MessageFlags, syscall.Errno) {
	p.mu.Unlock()
	defer p.mu.Lock()
	return p.shared.receive(t, v, n, room, flags)
}

// gone is the error of a write that nobody can read, unless something went before.
func gone(n int, k FileKind) syscall.Errno {
	switch {
	case n > 0:
		return 0
	case k == KindDatagramSocket:
		return syscall.ECONNREFUSED
	}
	return syscall.EPIPE
}

func orEAGAIN(n int) syscall.Errno {
	if n > 0 {
		return 0
	}
	return syscall.EAGAIN
}

// receive stores what has come: of a stream as much as there is before and with the
// first descriptors, of messages one, whose rest is lost. 0 bytes are the end. Without room
// for descriptors, MsgFDsTruncated may stand for them.
func (p *endpoint) receive(t *Thread, v []Iovec, room bool, flags MessageFlags) (
	n int, files []*file, got MessageFlags, e syscall.Errno) {
	want := total(v)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.in) == 0 {
			switch {
			case p.shared != nil:
				return p.receiveFar(t, v, n, room, flags)
			case !p.connected:
				return n, files, got, syscall.ENOTCONN
			case p.noRead, p.peer == nil, p.peer.noWrite, n > 0 && flags&MsgWaitAll == 0:
				return n, files, got, 0
			case flags&MsgDontWait != 0:
				return n, files, got, orEAGAIN(n)
			}
			if e := p.wait(t); e != 0 {
				if n > 0 {
					e = 0
				}
				return n, files, got, e
			}
		}
		if flags&MsgPeek != 0 {
			n, files, got, e := p.peek(v, want, flags)
			return n, files, got, e
		}
		k, attached, ended, e := p.take(v, n, want)
		if e != 0 {
			return n, nil, got, e
		}
		n += k
		if len(attached) > 0 {
			files = attached
		}
		if p.kind.Messages() {
			return n, files, got | ended, 0
		}
		if uint64(n) == want || len(files) > 0 || len(p.in) > 0 && len(p.in[0].files) > 0 {
			return n, files, got, 0
		}
	}
}

// peek copies what a receive would take, and of a stream what comes behind it, up to the
// end of the first packet that has descriptors. With MsgTruncated it returns how long a
// message is.
func (p *endpoint) peek(v []Iovec, want uint64, flags MessageFlags) (
	n int, files []*file, got MessageFlags, e syscall.Errno) {
	for _, k := range p.in {
		c := int(min(uint64(len(k.data)), want-uint64(n)))
		if e := scatter(v, n, k.data[:c]); e != 0 {
			return 0, nil, 0, e
		}
		n += c
		files = slices.Clone(k.files)
		if p.kind.Messages() {
			if c < len(k.data) {
				got = MsgTruncated
			}
			if flags&MsgTruncated != 0 {
				n = len(k.data)
			}
			break
		}
		if len(files) > 0 || uint64(n) == want {
			break
		}
	}
	for _, f := range files { // those that were sent stay where they are
		retain(f)
	}
	return n, files, got, 0
}

// take copies from the first packet to what is left of v behind n bytes, and removes
// what of it is then done with.
func (p *endpoint) take(v []Iovec, n int, want uint64) (k int, files []*file, got MessageFlags, e syscall.Errno) {
	k0 := &p.in[0]
	k = int(min(uint64(len(k0.data)), want-uint64(n)))
	if e := scatter(v, n, k0.data[:k]); e != 0 {
		return 0, nil, 0, e
	}
	files = k0.files
	if p.kind.Messages() && k < len(k0.data) {
		got |= MsgTruncated
	}
	if len(files) > 0 {
		p.letters--
	}
	if messages := p.kind.Messages(); messages || k == len(k0.data) {
		p.size -= weight(len(k0.data), messages)
		p.in = slices.Delete(p.in, 0, 1)
	} else {
		p.size -= k
		k0.data, k0.files = k0.data[k:], nil
	}
	if p.peer != nil {
		p.peer.watch.wake()
	}
	return k, files, got, 0
}

// unattached is Unattached of a stream.
func (p *endpoint) unattached() (n int, e syscall.Errno) {
	if s := p.far(); s != nil {
		return s.unattached()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.in) == 0 {
		return 0, syscall.EAGAIN
	}
	for i := range p.in {
		if len(p.in[i].files) > 0 {
			return n, 0
		}
		n += len(p.in[i].data)
	}
	return -1, 0
}

// hasPeer reports whether there is another end.
func (p *endpoint) hasPeer() bool {
	if s := p.far(); s != nil {
		return s.connected && !s.peerGone()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peer != nil
}

// shutdown ends directions.
func (p *endpoint) shutdown(read, write bool) syscall.Errno {
	if s := p.far(); s != nil {
		return s.shutdown(read, write)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.connected {
		return syscall.ENOTCONN
	}
	p.noRead, p.noWrite = p.noRead || read, p.noWrite || write
	p.watch.wake()
	if p.peer != nil {
		p.peer.watch.wake()
	}
	return 0
}

// total is the size of buffers in bytes.
func total(v []Iovec) (n uint64) {
	for _, b := range v {
		n += b.Len
	}
	return n
}

// gather copies guest memory.
func gather(v []Iovec) ([]byte, syscall.Errno) {
	b := make([]byte, 0, min(total(v), maxTransfer))
	for _, part := range v {
		n := min(part.Len, uint64(cap(b)-len(b)))
		at := len(b)
		b = b[:at+int(n)]
		if _, err := CopyIn(b[at:], part.Addr); err != nil {
			return nil, syscall.EFAULT
		}
	}
	return b, 0
}

// scatter copies to guest memory, behind the first skip bytes of the buffers.
func scatter(v []Iovec, skip int, b []byte) syscall.Errno {
	for _, part := range v {
		if uint64(skip) >= part.Len {
			skip -= int(part.Len)
			continue
		}
		n := min(uint64(len(b)), part.Len-uint64(skip))
		if n == 0 {
			break
		}
		if _, err := CopyOut(part.Addr+uint64(skip), b[:n]); err != nil {
			return syscall.EFAULT
		}
		b, skip = b[n:], 0
	}
	return 0
}

// retain and release count a file among descriptors while it travels.
func retain(f *file) {
	descriptors.mu.Lock()
	f.refs++
	descriptors.mu.Unlock()
}

func release(files []*file) {
	for _, f := range files {
		descriptors.mu.Lock()
		f.refs--
		last := f.refs == 0
		descriptors.mu.Unlock()
		if last {
			_ = f.destroy()
		}
	}
}
