package memory

import (
	"bytes"
	"os"
	"testing"

	"cabitrans/runtime/abi"
)

// Writes to a shared mapping of a file are in the file, those to a private one are
// not; offsets and partial unmapping keep page and file together.
func TestFileBacked(t *testing.T) {
	s := newSpace(t)
	defer func() { noErr(t, s.Close()) }() // Wine removes no file that is mapped
	contents := make([]byte, 4*pageSize)
	for i := range contents {
		contents[i] = byte(i / pageSize)
	}
	f := openFile(t, contents, os.O_RDWR)
	obj := objectOf(t, f)
	shared := s.mustMap(t, Request{Len: 3 * pageSize, Prot: rw, Shared: true, Object: obj, Off: pageSize})
	private := s.mustMap(t, Request{Len: 4 * pageSize, Prot: rw, Object: obj})
	noErr(t, s.Unmap(shared+pageSize, pageSize))
	for _, a := range []uint64{shared, shared + 2*pageSize, private + pageSize} {
		noErr(t, s.CopyOut(a+8, []byte("new")))
	}
	noErr(t, s.Sync(shared, pageSize, abi.MsSync))
	isErr(t, "Sync over the hole", s.Sync(shared, 3*pageSize, abi.MsSync), abi.ENOMEM)
	want := bytes.Clone(contents)
	copy(want[pageSize+8:], "new")
	copy(want[3*pageSize+8:], "new")
	got := make([]byte, len(want))
	if n, err := f.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file does not hold what was written to it (%d bytes, %v)", n, err)
	}
	var b [16]byte
	for k := range uint64(4) {
		noErr(t, s.CopyIn(b[:], private+k*pageSize))
		if b[0] != byte(k) {
			t.Errorf("page %d of the private mapping shows page %d", k, b[0])
		}
	}
	// A fixed mapping takes the place of a part of another.
	s.mustMap(t, Request{
		Addr: private + pageSize, Len: 1, Prot: abi.ProtRead, Fixed: true, Object: obj, Off: 2 * pageSize,
	})
	noErr(t, s.CopyIn(b[:], private+pageSize))
	if b[0] != 2 || s.Check(private+pageSize, 1, true) == nil || s.Check(private+2*pageSize, 1, true) != nil {
		t.Errorf("the page that was mapped over shows page %d", b[0])
	}
	if got := s.Mapped(); got != 6*pageSize {
		t.Errorf("%d bytes are mapped, want %d", got, 6*pageSize)
	}
}
