package kernel

import "cabitrans/runtime/abi"

// A thread that may block in descriptors says beforehand in which (blockIn), and
// looks them up after that; whoever changes a slot of the table looks afterwards
// who blocks in it (wakeBlocked), and kicks them. Whichever comes first, the thread
// sees the change: its call is made again, by the engine, and finds no descriptor
// (EBADF), or another one, and goes on with that.

// An fdSet is a set of descriptors that may hold some more than were added: a
// thread that is woken for nothing makes its call again.
type fdSet uint64

func (s *fdSet) add(fd abi.FD)     { *s |= 1 << (fd & 63) }
func (s fdSet) has(fd abi.FD) bool { return s>>(fd&63)&1 != 0 }

// blockIn says that the thread is about to block in descriptors of s.
func (t *Thread) blockIn(s fdSet) {
	if s == 0 {
		return
	}
	t.awaits.Store(uint64(s))
	t.proc.fds.waiting.Add(1)
}

// unblock says that the thread does not block any more.
func (t *Thread) unblock() {
	if t.awaits.Load() == 0 {
		return
	}
	t.awaits.Store(0)
	t.proc.fds.waiting.Add(-1)
}

// enter is fdTable.get for a call that may block in the descriptor; leave ends
// the call. Between them, the thread is kicked when the descriptor is closed or
// replaced.
func (t *Thread) enter(fd abi.FD, need abi.Rights) (*object, abi.Errno) {
	o, e := t.proc.fds.get(fd, need)
	if e != 0 || !o.mayBlock() {
		return o, e
	}
	var s fdSet
	s.add(fd)
	t.blockIn(s)
	if en := t.proc.fds.peek(fd); en != nil && en.obj == o {
		return o, 0
	}
	o.release() // closed or replaced meanwhile: as if it had been before
	if o, e = t.proc.fds.get(fd, need); e != 0 {
		t.unblock()
	}
	return o, e
}

// reenter is enter for a call that is made again and still holds a reference to
// the object: it reports whether the descriptor refers to it all the same.
func (t *Thread) reenter(fd abi.FD, o *object) bool {
	var s fdSet
	s.add(fd)
	t.blockIn(s)
	en := t.proc.fds.peek(fd)
	return en != nil && en.obj == o
}

func (t *Thread) leave(o *object) {
	t.unblock()
	o.release()
}

// closeFD closes a descriptor of the process.
func (p *Process) closeFD(fd abi.FD) abi.Errno {
	e := p.fds.close(fd)
	if e == 0 {
		p.wakeBlocked(fd)
	}
	return e
}

// replaceFD is fdTable.replace, with the threads that block in to.
func (p *Process) replaceFD(from, to abi.FD) abi.Errno {
	e := p.fds.replace(from, to)
	if e == 0 {
		p.wakeBlocked(to)
	}
	return e
}

// wakeBlocked kicks the threads that block in a descriptor whose slot has changed.
func (p *Process) wakeBlocked(fd abi.FD) {
	if p.fds.waiting.Load() == 0 {
		return
	}
	p.Threads(func(t *Thread) {
		if fdSet(t.awaits.Load()).has(fd) {
			t.Host.Kick()
		}
	})
}
