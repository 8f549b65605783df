package kernel

import (
	"fmt"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// A Table holds descriptors on their way to another process, or to another program
// in the same: entries[i] is descriptor i, nil where there is none. Each has a
// reference to its object.
type Table struct {
	entries []*entry
	own     []*object // referred to until Settle
}

// Close releases what has not been moved on.
func (t *Table) Close() {
	for _, e := range t.entries {
		if e != nil {
			e.obj.release()
		}
	}
	t.entries = nil
}

// moveTo fills an empty table that nobody else uses yet.
func (t *Table) moveTo(to *fdTable) {
	to.mu.Lock()
	defer to.mu.Unlock()
	for i, e := range t.entries {
		if e != nil {
			to.free = i // insertLocked takes the first free number from here on
			if _, err := to.insertLocked(e); err != 0 {
				panic("kernel: a table has room for fewer descriptors than another")
			}
		}
	}
	to.free = 0
	t.entries = nil
}

// Descriptors describes a process's descriptors and the objects behind them and
// behind its mappings. The objects' host descriptors travel beside it, one for each
// and in that order.
type Descriptors struct {
	Objects []Object
	FDs     []Descriptor
}

// Object describes what a descriptor or a mapping refers to.
type Object struct {
	Kind host.FileKind
	Type abi.Filetype
	ID   memory.ObjectID
}

// Descriptor is one descriptor; Object is an index of Descriptors.Objects.
type Descriptor struct {
	FD               abi.FD
	Object           int
	Base, Inheriting abi.Rights
}

// Describe describes the descriptors at this moment, those of mappings first, and
// lists the host descriptors, which stay open until release is called.
func (p *Process) Describe(maps []memory.Ref) (d *Descriptors, fds []int, release func(), err error) {
	d = new(Descriptors)
	index := make(map[memory.Ref]int)
	for i, r := range maps {
		index[r] = i
		o, err := describe(r)
		if err != nil {
			return nil, nil, nil, err
		}
		d.Objects = append(d.Objects, o)
		fds = append(fds, r.HostFD())
	}
	var held []*object
	p.fds.each(func(fd abi.FD, e *entry) {
		if e.obj.queue != nil {
			return // polling event queues are not inherited, as FreeBSD's are not
		}
		i, ok := index[e.obj]
		if !ok {
			i = len(fds)
			index[e.obj] = i
			e.obj.Retain()
			held = append(held, e.obj)
			d.Objects = append(d.Objects, Object{e.obj.kind, e.obj.typ, e.obj.id})
			fds = append(fds, e.obj.fd)
		}
		d.FDs = append(d.FDs, Descriptor{fd, i, e.base, e.inheriting})
	})
	return d, fds, func() {
		for _, o := range held {
			o.release()
		}
	}, nil
}

func describe(r memory.Ref) (Object, error) {
	if o, ok := r.(*object); ok {
		return Object{o.kind, o.typ, o.id}, nil
	}
	info, err := host.StatFD(r.HostFD())
	return Object{host.KindSharedMemory, abi.FiletypeSharedMemory, objectID(info)}, err
}

// each calls f for all descriptors in order, with the table locked.
func (t *fdTable) each(f func(abi.FD, *entry)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slots.Load()
	if s == nil {
		return
	}
	for i := range *s {
		if e := (*s)[i].Load(); e != nil {
			f(abi.FD(i), e)
		}
	}
}

// Adopt makes the table that d describes. It takes over the host descriptors. The
// objects are for memory.Restore; closing the table, or moving it into a process
// and closing that, leaves those alone that mappings show.
func (d *Descriptors) Adopt(fds []int) (t *Table, objects []*memory.Object, err error) {
	if len(fds) != len(d.Objects) {
		return nil, nil, fmt.Errorf("%d host descriptors have come for %d objects", len(fds), len(d.Objects))
	}
	t = new(Table)
	made := make([]*object, len(fds))
	for i, o := range d.Objects {
		made[i] = newObject(fds[i], o.Kind, o.Type)
		made[i].id = o.ID
		objects = append(objects, &memory.Object{FD: fds[i], ID: o.ID, Ref: made[i]})
	}
	for _, f := range d.FDs {
		if n := int(f.FD) + 1; n > len(t.entries) {
			t.entries = append(t.entries, make([]*entry, n-len(t.entries))...)
		}
		made[f.Object].Retain()
		t.entries[f.FD] = &entry{made[f.Object], f.Base, f.Inheriting}
	}
	t.own = made
	return t, objects, nil
}

// Settle gives up the references that Adopt has made for memory.Restore, which has
// taken its own by now.
func (t *Table) Settle() {
	for _, o := range t.own {
		o.release()
	}
	t.own = nil
}
