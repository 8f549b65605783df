package abi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		got  fmt.Stringer
		want string
	}{
		{ESUCCESS, "ESUCCESS"}, {E2BIG, "E2BIG"}, {EBADF, "EBADF"}, {ENOTCAPABLE, "ENOTCAPABLE"}, {Errno(77), "Errno(77)"},
		{RightFDRead | RightSockShutdown, "RIGHT_FD_READ|RIGHT_SOCK_SHUTDOWN"},
		{RightFDSeek | 1<<60, "RIGHT_FD_SEEK|0x1000000000000000"}, {Rights(0), "0"}, {Rights(1 << 63), "0x8000000000000000"},
		{ProtRead | ProtExec, "PROT_EXEC|PROT_READ"}, {MapAnon | MapPrivate, "MAP_ANON|MAP_PRIVATE"},
		{OCreat | OExcl, "O_CREAT|O_EXCL"}, {FsflagAtimNow, "FILESTAT_ATIM_NOW"}, {FdsflagRights, "FDSTAT_RIGHTS"},
		{SubscriptionClockAbstime, "SUBSCRIPTION_CLOCK_ABSTIME"}, {SubscriptionAdd, "SUBSCRIPTION_ADD"},
		{Siflags(0), "0"}, {Siflags(2), "0x2"}, {SockRecvFDsTruncated, "SOCK_RECV_FDS_TRUNCATED"},
		{FiletypeRegularFile, "FILETYPE_REGULAR_FILE"}, {Filetype(0x33), "Filetype(51)"}, {ScopeShared, "SCOPE_SHARED"},
		{WhenceSet, "WHENCE_SET"}, {ATPhnum, "AT_PHNUM"}, {SIGKILL, "SIGKILL"}, {Signal(0), "Signal(0)"},
		{ClockRealtime, "CLOCK_REALTIME"}, {EventtypeFDWrite, "EVENTTYPE_FD_WRITE"}, {AFInet6, "AF_INET6"},
		{FD(3), "3"}, {FDMapAnon, "-1"}, {CallFDPread, "fd_pread"}, {Call(200), "Call(200)"}, {TypeRecvIn, "recv_in"},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.got, got, tt.want)
		}
	}
}

// Numbers that differ from Linux or from POSIX order, where a slip would go unnoticed longest.
func TestValues(t *testing.T) {
	for name, v := range map[string][2]uint64{
		"ENOSYS": {uint64(ENOSYS), 52}, "EXDEV": {uint64(EXDEV), 75}, "ENOTCAPABLE": {uint64(ENOTCAPABLE), 76},
		"CLOCK_MONOTONIC": {uint64(ClockMonotonic), 1}, "CLOCK_REALTIME": {uint64(ClockRealtime), 3},
		"WHENCE_CUR": {uint64(WhenceCur), 1}, "WHENCE_SET": {uint64(WhenceSet), 3},
		"PROT_EXEC": {uint64(ProtExec), 1}, "PROT_READ": {uint64(ProtRead), 4}, "AT_PHNUM": {uint64(ATPhnum), 4},
		"SIGKILL": {uint64(SIGKILL), 10}, "SIGXFSZ": {uint64(SIGXFSZ), 26},
		"RIGHT_SOCK_SHUTDOWN": {uint64(RightSockShutdown), 0x8000000000},
		"RIGHT_FILE_UNLINK":   {uint64(RightFileUnlink), 0x2000000},
	} {
		if v[0] != v[1] {
			t.Errorf("%s = %d, want %d", name, v[0], v[1])
		}
	}
}

func TestErrnoAsError(t *testing.T) {
	err := fmt.Errorf("open %q: %w", "x", ENOENT)
	if !errors.Is(err, ENOENT) || errors.Is(err, EACCES) {
		t.Error("errors.Is does not find the Errno")
	}
	var e Errno
	if !errors.As(err, &e) || e != ENOENT {
		t.Error("errors.As does not find the Errno")
	}
	if got, want := err.Error(), `open "x": ENOENT`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLockOwner(t *testing.T) {
	if id, ok := (LockKernelManaged | LockWrlocked | 7).Owner(); !ok || id != 7 {
		t.Errorf("Owner = %d, %v", id, ok)
	}
	if _, ok := Lock(3).Owner(); ok {
		t.Error("three readers taken for an owner")
	}
}

func TestRightByName(t *testing.T) {
	for bit := Rights(1); bit != 0; bit <<= 1 {
		name, known := strings.CutPrefix(bit.String(), "RIGHT_")
		if r, ok := RightByName(strings.ToLower(name)); ok != known || known && r != bit {
			t.Errorf("%s: %v, %v", name, r, ok)
		}
	}
	for _, name := range []string{"", "FD_READ", "RIGHT_fd_read", "fd_reads"} {
		if r, ok := RightByName(name); ok {
			t.Errorf("%q is %v", name, r)
		}
	}
}
