package memory

import (
	"sync/atomic"

	"cabitrans/runtime/host"
)

// sharedMemory is the object behind a shared mapping that has no descriptor: such
// memory stays shared with the processes that are forked afterwards.
type sharedMemory struct {
	fd   int
	refs atomic.Int32
}

// newSharedMemory makes an object of n bytes with one reference.
func newSharedMemory(n uint64) (*Object, error) {
	fd, err := host.NewSharedObject("cloudabi-shared")
	if err != nil {
		return nil, err
	}
	m := &sharedMemory{fd: fd}
	m.refs.Store(1)
	info, err := host.StatFD(fd)
	if err == nil {
		err = host.Truncate(fd, int64((n+pageMask)&^pageMask))
	}
	if err != nil {
		m.Release()
		return nil, err
	}
	return &Object{FD: fd, ID: ObjectID{Dev: info.Dev, Ino: info.Ino}, Ref: m}, nil
}

func (m *sharedMemory) Retain() { m.refs.Add(1) }

func (m *sharedMemory) Release() {
	if m.refs.Add(-1) == 0 {
		_ = host.CloseFD(m.fd) // nobody is left to be told
	}
}

// HostFD is the descriptor.
func (m *sharedMemory) HostFD() int { return m.fd }
