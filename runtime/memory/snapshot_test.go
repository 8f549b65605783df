package memory

import (
	"os"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// copySpace replaces s by a copy of it, as a forked process gets one.
func copySpace(t *testing.T, s *AddressSpace) *AddressSpace {
	t.Helper()
	snap, err := host.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	img, refs, err := s.Snapshot(snap, func(f func() error) error { return f() })
	if err != nil {
		t.Fatal(err)
	}
	var objects []*Object
	for _, r := range refs {
		fd := r.HostFD()
		info, err := host.StatFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, &Object{FD: fd, ID: ObjectID{Dev: info.Dev, Ino: info.Ino}, Ref: r})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := Restore(s.host, img, snap, objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refs {
		r.Release()
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// fileRef is a file's descriptor as a mapping refers to it.
type fileRef struct {
	fd   int
	refs int
}

func (r *fileRef) Retain()     { r.refs++ }
func (r *fileRef) Release()    { r.refs-- }
func (r *fileRef) HostFD() int { return r.fd }

// TestSnapshot copies one of each kind of memory, and the copy of that.
func TestSnapshot(t *testing.T) {
	s := newSpace(t)
	f, err := os.CreateTemp(testdir.New(t), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4 * pageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("file"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("page 2"), 2*pageSize); err != nil {
		t.Fatal(err)
	}
	fd, err := host.AdoptFD(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.CloseFD(fd) }()
	info, err := host.StatFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	ref := &fileRef{fd: fd}
	file := &Object{FD: fd, ID: ObjectID{Dev: info.Dev, Ino: info.Ino}, Ref: ref}

	plain := s.mustMap(t, Request{Len: 8 * pageSize, Prot: rw, Name: "plain memory"})
	hidden := s.mustMap(t, Request{Len: pageSize, Prot: rw})
	fixed := s.mustMap(t, Request{Len: pageSize, Prot: rw})
	code := s.mustMap(t, Request{Len: pageSize, Prot: rw})
	copied := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw, Object: file})
	seen := s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: file, Off: 2 * pageSize, Shared: true})
	common := s.mustMap(t, Request{Len: pageSize, Prot: rw, Shared: true})
	for _, w := range []struct {
		addr uint64
		text string
	}{
		{plain, "first"}, {plain + 5*pageSize, "sixth"}, {hidden, "hidden"}, {fixed, "fixed"}, {code, "code"},
		{copied + pageSize, "changed"}, {common, "common"},
	} {
		if err := s.CopyOut(w.addr, []byte(w.text)); err != nil {
			t.Fatal(err)
		}
	}
	for addr, prot := range map[uint64]abi.Mprot{hidden: 0, fixed: abi.ProtRead} {
		if err := s.Protect(addr, pageSize, prot); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Seal(code, pageSize, rx, "sealed code"); err != nil {
		t.Fatal(err)
	}
	total, cursor := s.Mapped(), s.cursor

	for generation := 1; generation <= 3; generation++ {
		s = copySpace(t, s)
		if s.Mapped() != total || s.cursor != cursor {
			t.Errorf("copy %d has %d bytes and cursor %#x, want %d and %#x", generation, s.Mapped(), s.cursor, total, cursor)
		}
		if err := s.Protect(hidden, pageSize, abi.ProtRead); err != nil {
			t.Fatal(err)
		}
		for _, r := range []struct {
			addr uint64
			text string
		}{
			{plain, "first"}, {plain + pageSize, "\x00"}, {plain + 5*pageSize, "sixth"}, {hidden, "hidden"},
			{fixed, "fixed"}, {code, "code"}, {copied, "file"}, {copied + pageSize, "changed"},
			{copied + 2*pageSize, "page 2"}, {seen, "page 2"}, {common, "common"},
		} {
			got := make([]byte, len(r.text))
			if err := s.CopyIn(got, r.addr); err != nil || string(got) != r.text {
				t.Errorf("copy %d holds %q at %#x, %v; want %q", generation, got, r.addr, err, r.text)
			}
		}
		if err := s.CopyOut(fixed, []byte("x")); err != abi.EFAULT {
			t.Errorf("copy %d: a write to read-only memory: %v", generation, err)
		}
		if err := s.Unmap(code, pageSize); err != abi.EINVAL {
			t.Errorf("copy %d: sealed memory can be unmapped: %v", generation, err)
		}
		for addr, want := range map[uint64]string{
			plain: "plain memory, protection rw-", code: "sealed code, protection r-x",
			common: "a mapped object, protection rw-", copied: "a mapped object, protection rw-",
		} {
			if got := s.Describe(addr); got != want {
				t.Errorf("copy %d: %#x is %q, want %q", generation, addr, got, want)
			}
		}
		if err := s.Protect(hidden, pageSize, 0); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.Unmap(plain, 8*pageSize); err != nil {
		t.Fatal(err)
	}
	if d := s.backing.Data(plain, plain+8*pageSize); len(d) != 0 {
		t.Errorf("the snapshot keeps %x of memory that is gone", d)
	}

	// What is private stays so; what is shared reaches the object.
	if err := s.CopyOut(copied+2*pageSize, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	if err := s.CopyOut(seen, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 2*pageSize); err != nil || string(b) != "ours" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if ref.refs != 0 {
		t.Errorf("%d references to the file are left", ref.refs)
	}
}

// TestSnapshotPieces copies memory whose pages were touched here and there: more
// pieces than there may be mappings.
func TestSnapshotPieces(t *testing.T) {
	s := newSpace(t)
	const step = 64 * pageSize
	n := uint64(3 * maxPieces)
	base := s.mustMap(t, Request{Len: n * step, Prot: rw})
	for i := range n {
		if err := s.Store64(base+i*step, i+1); err != nil {
			t.Fatal(err)
		}
	}
	s = copySpace(t, s)
	for i := range n {
		if v, err := s.Load64(base + i*step); err != nil || v != i+1 {
			t.Fatalf("piece %d holds %d, %v", i, v, err)
		}
		if v, err := s.Load64(base + i*step + step/2); err != nil || v != 0 {
			t.Fatalf("between pieces %d and %d: %d, %v", i, i+1, v, err)
		}
	}
}

// TestSnapshotWithoutRef: memory of an object that nobody keeps open cannot be
// copied, and says so.
func TestSnapshotWithoutRef(t *testing.T) {
	s := newSpace(t)
	s.mustMap(t, Request{Len: pageSize, Prot: rw, Object: newObject(t, pageSize), Shared: true})
	snap, err := host.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if _, _, err := s.Snapshot(snap, func(f func() error) error { return f() }); err != abi.ENOTSUP {
		t.Errorf("error %v", err)
	}
}

// TestSharedMemory: shared memory without a descriptor is one object for as long as
// a part of it is mapped, and no longer.
func TestSharedMemory(t *testing.T) {
	s := newSpace(t)
	addr := s.mustMap(t, Request{Len: 3 * pageSize, Prot: rw, Shared: true})
	ref := s.viewAt(addr).ref.(*sharedMemory)
	if err := s.Unmap(addr+pageSize, pageSize); err != nil {
		t.Fatal(err)
	}
	if n := ref.refs.Load(); n != 2 {
		t.Errorf("%d references for two parts", n)
	}
	if err := s.Unmap(addr, 3*pageSize); err != nil {
		t.Fatal(err)
	}
	if n := ref.refs.Load(); n != 0 {
		t.Errorf("%d references are left", n)
	}
	for _, r := range []Request{{Len: 0, Shared: true}, {Len: 1 << 60, Shared: true}} {
		if _, err := s.Map(r); err != lenError(r.Len) {
			t.Errorf("length %#x: %v", r.Len, err)
		}
	}
}
