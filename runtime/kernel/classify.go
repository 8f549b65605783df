package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// A class is what a host descriptor can be for a guest.
type class struct {
	kind             host.FileKind
	typ              abi.Filetype
	base, inheriting abi.Rights // the most that a descriptor of it can have
	id               memory.ObjectID
	known            bool // the ABI has a type for it
}

// classify finds out what a host descriptor is. The rights are those of its type,
// less what its access mode does not allow.
func classify(fd int) (c class, err error) {
	info, err := host.StatFD(fd)
	if err != nil {
		return c, err
	}
	c.kind = info.Kind
	c.id = objectID(info)
	c.typ, c.base, c.inheriting, c.known = typeRights(info.Kind)
	read, write, err := host.AccessMode(fd)
	if err != nil {
		return c, err
	}
	// Read and write rights of a directory concern the files opened through it.
	if !read {
		c.base &^= abi.RightFDRead
	}
	if !write {
		c.base &^= abi.RightFDWrite
	}
	return c, nil
}

// object takes over a classified host descriptor.
func (c *class) object(fd int) *object {
	o := newObject(fd, c.kind, c.typ)
	o.id = c.id
	return o
}

// objectID tells mappable objects apart: equal for all descriptors of one file.
func objectID(info host.FileInfo) memory.ObjectID {
	return memory.ObjectID{Dev: info.Dev, Ino: info.Ino}
}
