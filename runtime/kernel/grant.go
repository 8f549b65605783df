package kernel

import (
	"fmt"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
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
	fd, err := host.AdoptFD(g.HostFD)
	if err != nil {
		return fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, err)
	}
	c, err := classify(fd)
	switch {
	case err != nil:
		err = fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, err)
	case !c.known:
		err = fmt.Errorf("cannot grant host descriptor %d: it is neither a file, a directory, a device, a pipe, "+
			"shared memory nor a socket of a known type", g.HostFD)
	}
	if err != nil {
		_ = host.CloseFD(fd)
		return err
	}
	if _, e := t.insert(c.object(fd), c.base&^g.Drop, c.inheriting&^g.Drop); e != 0 {
		return fmt.Errorf("cannot grant host descriptor %d: %w", g.HostFD, e)
	}
	return nil
}
