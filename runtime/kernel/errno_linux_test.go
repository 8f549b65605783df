package kernel

import (
	"syscall"
	"testing"

	"cabitrans/runtime/abi"

	"golang.org/x/sys/unix"
)

// Every host error whose name the guest has is converted to that name, and those
// listed here to another.
func TestErrnoNames(t *testing.T) {
	guest := map[string]abi.Errno{}
	for e := range abi.ENOTCAPABLE + 1 {
		guest[e.String()] = e
	}
	others := map[string]abi.Errno{
		"ESHUTDOWN": abi.EPIPE, "EHOSTDOWN": abi.EHOSTUNREACH, "ESOCKTNOSUPPORT": abi.EPROTONOSUPPORT,
		"EPFNOSUPPORT": abi.EAFNOSUPPORT, "ETOOMANYREFS": abi.ENOBUFS,
	}
	found := 0
	for h := syscall.Errno(1); h < 200; h++ {
		name := unix.ErrnoName(h)
		if name == "EOPNOTSUPP" {
			name = "ENOTSUP" // one number on the host
		}
		want, ok := guest[name]
		if ok {
			found++
		} else if want, ok = others[name]; !ok {
			want = abi.EIO
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
