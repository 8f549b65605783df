package kernel

import (
	"fmt"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// A Grant is a host descriptor that a process starts with. The kernel works on a
// duplicate: the caller keeps HostFD and may close it at once, and nothing the
// guest does closes it. The two share what belongs to the open file, as after
// dup(2): the offset, and the append and non-blocking flags. A guest that sets
// its terminal non-blocking therefore does so for the caller too.
type Grant struct {
	HostFD int
	// Drop takes rights away from those that the type and the access mode of
	// HostFD give.
	Drop abi.Rights
}

// grant puts a host descriptor into the table at the lowest free number.
func (t *fdTable) grant(g Grant) error {
	info, err := host.StatFD(g.HostFD)
	if err != nil {
		return fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, err)
	}
	typ, base, inheriting, ok := typeRights(info.Kind)
	if !ok {
		return fmt.Errorf("cannot grant host descriptor %d: it is neither a file, a directory, a device, a pipe nor a stream or datagram socket", g.HostFD)
	}
	read, write, err := host.AccessMode(g.HostFD)
	if err != nil {
		return fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, err)
	}
	// Read and write rights of a directory concern the files opened through it.
	if !read {
		base &^= abi.RightFDRead
	}
	if !write {
		base &^= abi.RightFDWrite
	}
	fd, err := host.DupFD(g.HostFD)
	if err != nil {
		return fmt.Errorf("cannot duplicate host descriptor %d: %w", g.HostFD, err)
	}
	o := newObject(fd, info.Kind, typ)
	o.id = objectID(info)
	if _, e := t.insert(o, base&^g.Drop, inheriting&^g.Drop); e != 0 {
		return fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, e)
	}
	return nil
}

// objectID tells mappable objects apart: equal for all descriptors of one file.
func objectID(info host.FileInfo) memory.ObjectID {
	return memory.ObjectID{Dev: info.Dev, Ino: info.Ino}
}
