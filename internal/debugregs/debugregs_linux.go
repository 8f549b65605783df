// Package debugregs is for tests of watchpoints.
package debugregs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Need skips a test of watchpoints where the kernel lends no debug registers, or
// sends no signal for them. It asks the kernel, not the server, whose refusal is a failure
// everywhere else.
func Need(t testing.TB) {
	t.Helper()
	const (
		removeOnExec = 1 << 36 // bits of perf_event_attr that package unix does not name;
		sigtrap      = 1 << 37 // this one may only be set with the other
		onWrite      = 2       // HW_BREAKPOINT_W
	)
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_BREAKPOINT, Size: unix.PERF_ATTR_SIZE_VER7, Sample: 1,
		Bits:    unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv | removeOnExec | sigtrap,
		Bp_type: onWrite, Ext1: 0x1000, Ext2: 8,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		t.Skipf("the kernel lends no debug registers: perf_event_open: %v", err)
	}
	_ = unix.Close(fd)
}
