package kernel

import (
	"sync"
	"sync/atomic"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// maxFDs bounds a process's descriptor numbers, as Config.MaxFDs may do; the next one is
// EMFILE.
const maxFDs = 1 << 16

// An object is what descriptors refer to; fd_dup makes two of one. The host
// descriptor is the kernel's own and is closed when the last reference goes,
// those of system calls in progress included.
type object struct {
	refs atomic.Int32
	fd   int // host descriptor
	kind host.FileKind
	typ  abi.Filetype
	id   memory.ObjectID // identity of what may be mapped; equal for aliases
	dir  *directory      // nil unless it is one

	queue *queue // of a polling event queue

	// Of sockets: local says that messages can have descriptors attached, attaches
	// that they lie in a stream, where reads must look out for them.
	local, attaches bool
}

// newObject takes over a host descriptor, with one reference.
func newObject(fd int, kind host.FileKind, typ abi.Filetype) *object {
	o := &object{fd: fd, kind: kind, typ: typ}
	if kind == host.KindDirectory {
		o.dir = new(directory)
	}
	if kind.Socket() {
		o.local = host.IsLocal(fd)
		o.attaches = o.local && kind == host.KindStreamSocket
	}
	o.refs.Store(1)
	return o
}

// mayBlock tells whether reading or writing may have to wait for somebody.
func (o *object) mayBlock() bool {
	switch o.kind {
	case host.KindRegular, host.KindSharedMemory, host.KindDirectory, host.KindBlockDevice, host.KindSymlink:
		return false
	}
	return true
}

// Retain adds a reference to one that the caller has. It makes an object what
// package memory can refer to.
func (o *object) Retain() { o.refs.Add(1) }

// Release gives a reference back.
func (o *object) Release() { o.release() }

// HostFD is the host descriptor.
func (o *object) HostFD() int { return o.fd }

// acquire adds a reference unless the object is already gone.
func (o *object) acquire() bool {
	for {
		n := o.refs.Load()
		if n == 0 {
			return false
		}
		if o.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (o *object) release() {
	switch n := o.refs.Add(-1); {
	case n == 0:
		if o.queue != nil {
			o.queue.destroy()
		}
		// The guest's close has succeeded by then, whatever the host says.
		_ = host.CloseFD(o.fd)
		o.dir.close()
	case n < 0:
		panic("kernel: descriptor object released too often")
	}
}

// An entry is one descriptor: an object and what may be done with it. It never
// changes; restricting the rights puts another entry in its place.
type entry struct {
	obj              *object
	base, inheriting abi.Rights
}

// An fdTable maps descriptor numbers to entries. Look-ups take no lock; changes
// are made under mu.
type fdTable struct {
	mu     sync.Mutex
	slots  atomic.Pointer[[]atomic.Pointer[entry]]
	free   int      // no slot below it is free
	limit  int      // numbers are below it; 0 for maxFDs
	queues []*queue // those that may have subscriptions for descriptors

	waiting atomic.Int32 // threads that may block in descriptors
}

// peek returns the entry of a descriptor without a reference to its object.
func (t *fdTable) peek(fd abi.FD) *entry {
	s := t.slots.Load()
	if s == nil || uint64(fd) >= uint64(len(*s)) {
		return nil
	}
	return (*s)[fd].Load()
}

// get returns the object of a descriptor that has the rights asked for, with a
// reference that the caller releases. EBADF when there is no such descriptor,
// ENOTCAPABLE when a right is missing.
func (t *fdTable) get(fd abi.FD, base abi.Rights) (*object, abi.Errno) {
	e, err := t.entry(fd, base)
	if err != 0 {
		return nil, err
	}
	return e.obj, 0
}

// entry is get, with the rights the descriptor had at that moment.
func (t *fdTable) entry(fd abi.FD, base abi.Rights) (*entry, abi.Errno) {
	for {
		e := t.peek(fd)
		if e == nil {
			return nil, abi.EBADF
		}
		if base&^e.base != 0 {
			return nil, abi.ENOTCAPABLE
		}
		if e.obj.acquire() {
			return e, 0
		}
		// Closed between the two steps: the slot has changed by now.
	}
}

// insert gives an object, whose reference it takes over, the lowest free number.
// It releases the object when there is none.
func (t *fdTable) insert(o *object, base, inheriting abi.Rights) (abi.FD, abi.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fd, e := t.insertLocked(&entry{o, base, inheriting})
	if e != 0 {
		o.release()
	}
	return fd, e
}

func (t *fdTable) insertLocked(e *entry) (abi.FD, abi.Errno) {
	s := t.slots.Load()
	n := 0
	if s != nil {
		n = len(*s)
	}
	fd := t.free
	for fd < n && (*s)[fd].Load() != nil {
		fd++
	}
	if fd >= t.most() {
		return 0, abi.EMFILE
	}
	if fd >= n { // beyond n when a table with gaps moves here
		grown := make([]atomic.Pointer[entry], max(16, 2*n, fd+1))
		for i := range n {
			grown[i].Store((*s)[i].Load())
		}
		t.slots.Store(&grown)
		s = &grown
	}
	(*s)[fd].Store(e)
	t.free = fd + 1
	return abi.FD(fd), 0
}

// pair inserts two objects or neither.
func (t *fdTable) pair(a, b *object, base, inheriting abi.Rights) (fa, fb abi.FD, e abi.Errno) {
	fa, e = t.insert(a, base, inheriting)
	if e != 0 {
		b.release()
		return 0, 0, e
	}
	fb, e = t.insert(b, base, inheriting)
	if e != 0 {
		_ = t.close(fa) // nobody has been told the number
		return 0, 0, e
	}
	return fa, fb, 0
}

// most is the number that descriptors stay below.
func (t *fdTable) most() int {
	if t.limit == 0 {
		return maxFDs
	}
	return min(t.limit, maxFDs)
}

// close removes a descriptor.
func (t *fdTable) close(fd abi.FD) abi.Errno {
	t.mu.Lock()
	e := t.peek(fd)
	if e == nil {
		t.mu.Unlock()
		return abi.EBADF
	}
	(*t.slots.Load())[fd].Store(nil)
	t.free = min(t.free, int(fd))
	gone := t.forget(fd)
	t.mu.Unlock()
	freeAll(gone)
	e.obj.release()
	return 0
}

// dup makes another descriptor of the same object with the same rights.
func (t *fdTable) dup(from abi.FD) (abi.FD, abi.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.peek(from)
	if e == nil {
		return 0, abi.EBADF
	}
	fd, err := t.insertLocked(e)
	if err == 0 {
		e.obj.refs.Add(1) // at least from's, while mu is held
	}
	return fd, err
}

// replace makes to, which must exist, another descriptor of from's object. A
// descriptor that replaces itself stays as it is, and so do subscriptions for it.
func (t *fdTable) replace(from, to abi.FD) abi.Errno {
	t.mu.Lock()
	src, dst := t.peek(from), t.peek(to)
	if src == nil || dst == nil {
		t.mu.Unlock()
		return abi.EBADF
	}
	if from == to {
		t.mu.Unlock()
		return 0
	}
	src.obj.refs.Add(1)
	(*t.slots.Load())[to].Store(src)
	gone := t.forget(to)
	t.mu.Unlock()
	freeAll(gone)
	dst.obj.release()
	return 0
}

// restrict lowers the rights of a descriptor. ENOTCAPABLE when a right is asked
// for that it does not have.
func (t *fdTable) restrict(fd abi.FD, base, inheriting abi.Rights) abi.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.peek(fd)
	switch {
	case e == nil:
		return abi.EBADF
	case base&^e.base != 0 || inheriting&^e.inheriting != 0:
		return abi.ENOTCAPABLE
	}
	(*t.slots.Load())[fd].Store(&entry{e.obj, base, inheriting})
	return 0
}

// closeAll empties the table.
func (t *fdTable) closeAll() {
	t.mu.Lock()
	s := t.slots.Swap(nil)
	t.free = 0
	t.mu.Unlock()
	if s == nil {
		return
	}
	for i := range *s {
		if e := (*s)[i].Load(); e != nil {
			e.obj.release()
		}
	}
}
