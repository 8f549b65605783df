//go:build amd64

package host

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// Shared mappings are made of views of one granule each, so that any page of them can be
// unmapped while other threads use the next. Pages of a view that nobody has mapped are
// without access; the view goes with the last page that is in use.

// A backing is the file behind some views.
type backing struct {
	file     windows.Handle // a duplicate, to flush it
	dev, ino uint64
	writable bool
	refs     int // views, and calls that use it; guarded by views.mu
}

// A viewPlace says what a granule shows.
type viewPlace struct {
	*backing
	off int64  // of the granule's beginning in the file, a multiple of granule
	len uint64 // bytes that the file has; pages behind them cannot be accessed. 0: only reserved
}

// views are the granules with isView. Changes are made under package memory's lock, too.
var views = struct {
	mu sync.Mutex
	at map[uint64]viewPlace // by number of granule
}{at: make(map[uint64]viewPlace)}

// viewAt returns what a granule shows, with a reference.
func viewAt(g uint64) (v viewPlace, ok bool) {
	views.mu.Lock()
	defer views.mu.Unlock()
	if v, ok = views.at[g]; ok {
		v.refs++
	}
	return v, ok
}

func (b *backing) release() {
	views.mu.Lock()
	b.refs--
	last := b.refs == 0
	views.mu.Unlock()
	if last {
		_ = windows.CloseHandle(b.file) // nobody is left to be told
	}
}

// newBacking has one reference.
func newBacking(f *file) (*backing, error) {
	info, err := infoOf(f.h, f.kind)
	if err != nil {
		return nil, err
	}
	self := windows.CurrentProcess()
	b := &backing{dev: info.Dev, ino: info.Ino, writable: f.write, refs: 1}
	if err := windows.DuplicateHandle(self, f.h, self, &b.file, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
		return nil, errorOf(err)
	}
	return b, nil
}

// mapShared makes [addr, addr+length) show a file from off on. ENOTSUP where Windows cannot
// do so: when address and offset differ modulo 64 KiB, and when something else lies in the
// first or last granule.
func (s *Space) mapShared(addr, length uint64, p Prot, f *file, off int64) error {
	switch {
	case !f.read, p&ProtWrite != 0 && !f.write:
		return syscall.EACCES
	case addr%granule != uint64(off)%granule:
		return syscall.ENOTSUP
	}
	b, err := newBacking(f)
	if err != nil {
		return err
	}
	defer b.release()
	size, err := queryStandard(f.h)
	if err != nil {
		return errorOf(err)
	}
	want := func(q part) viewPlace {
		at := off - int64(addr) + int64(q.base())
		return viewPlace{b, at, min(granule, uint64(max(0, size.size-at)))}
	}
	err = parts(addr, length, func(q part) error {
		if w := arena.word[q.g].Load(); w&pagesInUse&^q.pages == 0 || w&isView != 0 && same(q.g, want(q)) {
			return nil
		}
		return syscall.ENOTSUP
	})
	if err != nil {
		return err
	}
	if err := s.Unmap(addr, length); err != nil {
		return err
	}
	section, err := b.section(size.size)
	if err != nil {
		return err
	}
	if section != 0 {
		defer windows.CloseHandle(section)
	}
	err = parts(addr, length, func(q part) error { return show(q, section, want(q)) })
	if err == nil {
		err = s.Protect(addr, length, p)
	}
	if err != nil {
		return errors.Join(err, s.Unmap(addr, length))
	}
	return nil
}

// same reports whether a granule that has a view shows what v would.
func same(g uint64, v viewPlace) bool {
	views.mu.Lock()
	defer views.mu.Unlock()
	w, ok := views.at[g]
	return ok && w.dev == v.dev && w.ino == v.ino && w.writable == v.writable && w.off == v.off && w.len == v.len
}

// section makes a section of the file, 0 when nothing is in it.
func (b *backing) section(size int64) (windows.Handle, error) {
	if size == 0 {
		return 0, nil
	}
	prot := uint32(windows.PAGE_READONLY)
	if b.writable {
		prot = windows.PAGE_READWRITE
	}
	h, err := windows.CreateFileMapping(b.file, nil, prot, 0, 0, nil)
	if err != nil {
		return 0, errorOf(err)
	}
	return h, nil
}

// show takes pages of a granule into use as a part of a view, which it makes if need be. It
// has access to the pages of the others in use, and else to none.
func show(q part, section windows.Handle, v viewPlace) error {
	w := &arena.word[q.g]
	if w.Load()&isView == 0 {
		if err := own(q.g); err != nil {
			return err
		}
		if err := v.put(q.g, section); err != nil {
			return err
		}
		views.mu.Lock()
		v.refs++
		views.at[q.g] = v
		views.mu.Unlock()
		w.Store(isView)
		if err := protectView(q.base(), q.base()+granule, v, ProtNone); err != nil {
			return err
		}
	}
	w.Store(w.Load() | q.pages)
	return nil
}

// put maps a view in the place of a granule's reservation.
func (v viewPlace) put(g uint64, section windows.Handle) error {
	if v.len == 0 {
		return nil
	}
	if err := windows.VirtualFree(uintptr(g*granule), 0, windows.MEM_RELEASE); err != nil {
		return memoryError(err)
	}
	access := uint32(windows.FILE_MAP_READ)
	if v.writable {
		access |= windows.FILE_MAP_WRITE
	}
	if err := mapViewAt(section, access, v.off, v.len, g*granule); err != nil {
		reclaim(g)
		return errorOf(err)
	}
	return nil
}

// unmapView takes pages of a view out of use.
func unmapView(q part) error {
	w := &arena.word[q.g]
	left := w.Load() &^ q.pages
	v, ok := viewAt(q.g)
	if !ok {
		panic("host: a granule has a view that nobody knows")
	}
	defer v.release()
	if left&pagesInUse != 0 {
		w.Store(left)
		return protectView(q.lo, q.hi, v, ProtNone)
	}
	if v.len > 0 {
		if err := windows.UnmapViewOfFile(uintptr(q.base())); err != nil {
			return errorOf(err)
		}
		reclaim(q.g)
	} else {
		w.Store(0)
	}
	views.mu.Lock()
	delete(views.at, q.g)
	views.mu.Unlock()
	v.backing.release()
	return nil
}

// protectView is Protect for addresses in one granule, which shows v.
func protectView(lo, hi uint64, v viewPlace, p Prot) error {
	if p&ProtWrite != 0 && !v.writable {
		return syscall.EACCES
	}
	if hi = min(hi, lo&^(granule-1)+(v.len+PageSize-1)&^(PageSize-1)); lo >= hi {
		return nil
	}
	return protect(lo, hi-lo, p)
}

// Sync writes changed pages of shared file mappings back; with wait it returns when they
// have been written. There is nothing to invalidate: mappings and files are one cache.
func (s *Space) Sync(addr, length uint64, wait, invalidate bool) error {
	var last *backing // whose reference is kept, and which is to be flushed
	done := func() error {
		if last == nil {
			return nil
		}
		defer last.release()
		if !wait || !last.writable {
			return nil
		}
		return errorOf(windows.FlushFileBuffers(last.file))
	}
	err := parts(addr, length, func(q part) error {
		v, ok := viewAt(q.g)
		if !ok {
			return nil
		}
		var err error
		if hi := min(q.hi, q.base()+v.len); q.lo < hi && v.writable {
			err = errorOf(windows.FlushViewOfFile(uintptr(q.lo), uintptr(hi-q.lo)))
		}
		if v.backing == last {
			v.release()
			return err
		}
		flushed := done()
		last = v.backing
		if err == nil {
			err = flushed
		}
		return err
	})
	if e := done(); err == nil {
		err = e
	}
	return err
}
