//go:build amd64

package host

import (
	"bytes"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What the host tells about where a message with descriptors begins in a stream,
// and that looking takes nothing.
func TestUnattached(t *testing.T) {
	look := func(fd int) (n int, e syscall.Errno) {
		onThread(t, func(th *Thread) { n, e = th.Unattached(new(Message), fd) })
		return n, e
	}
	type part struct {
		size int
		fds  bool
	}
	tests := []struct {
		name  string
		parts []part
		want  int
	}{
		{"plain", []part{{3, false}}, -1},
		{"first", []part{{3, true}}, 0},
		{"first, one byte", []part{{1, true}, {5, false}}, 0},
		{"second", []part{{3, false}, {3, true}, {3, false}}, 3},
		{"one byte each", []part{{1, false}, {1, true}}, 1},
		{"third", []part{{3, false}, {4, false}, {1, true}}, 7},
		{"two of them", []part{{3, false}, {4, true}, {1, true}}, 3},
		{"a long one", []part{{100, false}, {60000, true}}, 100},
		{"behind long ones", []part{{60000, false}, {10, false}, {2, true}}, 60010},
		{"first of two", []part{{7, true}, {7, true}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(p[0])
			defer unix.Close(p[1])
			total := 0
			for i, part := range tt.parts {
				var oob []byte
				if part.fds {
					oob = unix.UnixRights(p[0])
				}
				if err := unix.Sendmsg(p[0], bytes.Repeat([]byte{byte('a' + i)}, part.size), oob, nil, 0); err != nil {
					t.Fatal(err)
				}
				total += part.size
			}
			for range 2 {
				if n, e := look(p[1]); n != tt.want || e != 0 {
					t.Errorf("%d, %v, want %d", n, e, tt.want)
				}
			}
			if n, err := unix.IoctlGetInt(p[1], unix.TIOCINQ); n != total || err != nil {
				t.Errorf("%d of %d bytes are left, %v", n, total, err)
			}
		})
	}
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	if _, e := look(p[1]); e != syscall.EAGAIN {
		t.Errorf("nothing there: %v", e)
	}
	unix.Close(p[0])
	if n, e := look(p[1]); n != -1 || e != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
}
