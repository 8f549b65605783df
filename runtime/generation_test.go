package runtime

import (
	"bytes"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// The name is found wherever it lies, also across the pieces that are read at once,
// and only where a constant can be.
func TestOf2016(t *testing.T) {
	const ro, rw = abi.ProtRead, abi.ProtRead | abi.ProtWrite
	name := string(nameOf2016)
	for _, tt := range []struct {
		name string
		data string
		prot abi.Mprot
		want bool
	}{
		{"at once", name, ro, true},
		{"among others", "\x00random_get" + name + "sock_bind\x00", ro, true},
		{"code", name, ro | abi.ProtExec, true},
		{"later library", "\x00random_get\x00sock_recv\x00sock_send\x00", ro, false},
		{"part of a longer name", "\x00my_sock_accept\x00 sock_accept_all\x00", ro, false},
		{"writable", name, rw, false},
		{"nothing", "", ro, false},
	} {
		for _, before := range []int{0, 5, 32<<10 - 14, 32<<10 - 13, 32<<10 - 5, 32<<10 - 1, 32 << 10, 70_000} {
			file := strings.Repeat("x", 100) + strings.Repeat("y", before) + tt.data
			image := &loader.Image{Segments: []loader.Segment{
				{Off: 0, Filesz: 50, Prot: ro},
				{Off: 100, Filesz: uint64(len(file) - 100), Prot: tt.prot},
			}}
			if got := of2016(bytes.NewReader([]byte(file)), image); got != tt.want {
				t.Errorf("%s, at %d: %v", tt.name, before, got)
			}
		}
	}
	short := &loader.Image{Segments: []loader.Segment{{Filesz: 1 << 40, Prot: ro}}}
	if of2016(bytes.NewReader([]byte("short")), short) {
		t.Error("found in a file that is cut off")
	}
}
