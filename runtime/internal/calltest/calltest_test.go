package calltest

import (
	"os"
	"strings"
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

func TestMain(m *testing.M) {
	runtime.EnableFork()
	os.Exit(m.Run())
}

// TestFailures: what is wrong is noticed and named, and costs no other test.
func TestFailures(t *testing.T) {
	tests := []struct {
		test Test
		want string // the beginning of the failure, "" if there is none
	}{
		{T("none", Call(abi.CallThreadYield)), ""},
		{T("errno", Call(abi.CallFDClose, BadFD)), "fd_close(60000): EBADF, want ESUCCESS"},
		{T("success", Call(abi.CallThreadYield).Err(abi.EPERM, abi.EIO)), "thread_yield(): ESUCCESS, want EIO or EPERM"},
		{T("result", File("abc"), Call(abi.CallFDRead, FD(0), IOV(Out(8))).Is(4)),
			"fd_read(256, {out[8]}): result 3 (0x3), want 4 (0x4)"},
		{T("memory", Poke(Mem(8), "abd"), Holds(Mem(8), "abc")), `memory at scratch+0x8 holds "abc": byte 2 is 0x64, want 0x63`},
		{T("check", Set(1, 5), Check(Var(1).Plus(1), Below, 6)), "v1+1 < 6: left is 0x6, right is 0x6"},
		{T("thread", Thread(2, Call(abi.CallFDClose, BadFD))), "in thread 2, fd_close(60000): EBADF, want ESUCCESS"},
		{T("branch", If(1, Equal, 2, Check(1, Equal, 2)), If(1, Equal, 1, Check(1, Equal, 3))), "1 == 3: left"},
		{T("loop", Repeat(0, 5, Set(1, Var(1).Plus(3))), Check(Var(1), Equal, 14)), "v1 == 14: left is 0xf"},
		{T("fault", Store(NoAccess, 4, 1)), "the guest faulted:\ncalls: SIGSEGV"},
		{T("exit", Call(abi.CallProcExit, 7)), "the guest ended with status 7"},
		{T("unknown call", CallNumber(58)), ""},
		{T("fresh memory", Holds(Mem(8), "\x00")), ""},
		{T("fresh variables", Check(Var(1), Equal, 0)), ""},
		{T("fresh descriptors", Call(abi.CallFDClose, FD(0)).Err(abi.EBADF)), ""},
	}
	for _, raw := range []bool{false, true} {
		var jobs []*job
		for i := range tests {
			jobs = append(jobs, newJob(&tests[i].test, raw))
		}
		runAll(t, jobs)
		for i, j := range jobs {
			want := tests[i].want
			if !strings.HasPrefix(j.failure, want) || (want == "") != (j.failure == "") {
				t.Errorf("%s: %s\nwant %s", j.test.Name, j.failure, want)
			}
		}
	}
}
