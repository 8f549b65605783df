//go:build linux

package hosttest

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"cabitrans/runtime/host"
)

// OccupyEnv, when set, makes a test binary begin with a page mapped where the code
// cache belongs, as if Go's heap were there. A fresh start of it has no such page.
const OccupyEnv = "CABITRANS_TEST_OCCUPY"

// occupy reports whether it has mapped the page.
func occupy() bool {
	if os.Getenv(OccupyEnv) == "" || os.Unsetenv(OccupyEnv) != nil {
		return false
	}
	var at uintptr = host.CacheLo
	_, err := unix.MmapPtr(-1, 0, *(*unsafe.Pointer)(unsafe.Pointer(&at)), host.PageSize, unix.PROT_READ,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE)
	return err == nil
}
