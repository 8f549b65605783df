package kernel

import (
	"syscall"
	"testing"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

// Every host error whose name the guest has is converted to that name.
func TestErrnoNames(t *testing.T) {
	guest := map[string]abi.Errno{}
	for e := range abi.ENOTCAPABLE + 1 {
		guest[e.String()] = e
	}
	found := 0
	for h := syscall.Errno(1); h < 200; h++ {
		name := unix.ErrnoName(h)
		if name == "EOPNOTSUPP" {
			name = "ENOTSUP" // one number on the host
		}
		want, ok := guest[name]
		if !ok {
			want = abi.EIO
		} else {
			found++
		}
		if got := fromHost(h); got != want {
			t.Errorf("%s (%d) = %v, want %v", name, h, got, want)
		}
	}
	// All but success, ENOTCAPABLE are host errors too.
	if want := int(abi.ENOTCAPABLE) - 1; found != want {
		t.Errorf("%d names in common, want %d", found, want)
	}
	if errnoOf(syscall.EPERM) != abi.EPERM || errnoOf(nil) != 0 {
		t.Error("errnoOf")
	}
}
