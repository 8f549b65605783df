package calltest

import (
	goruntime "runtime"
	"testing"

	"cabitrans/runtime/abi"
)

// TestAllocations: calls that programs make all the time allocate nothing of Go's.
func TestAllocations(t *testing.T) {
	const rounds = 5000
	for _, c := range []struct {
		name  string
		most  float64 // allocations a round
		steps []Step
	}{
		{"clock_time_get", 0, []Step{Call(abi.CallClockTimeGet, abi.ClockRealtime, 0)}},
		{"random_get", 0, []Step{Call(abi.CallRandomGet, Mem(0), 16)}},
		{"fd_read", 0, []Step{Call(abi.CallFDRead, FD(0), At(room(0), 1))}},
		{"fd_pwrite", 0, []Step{Call(abi.CallFDPwrite, FD(0), At(room(0), 1), 0)}},
		{"fd_seek", 0, []Step{Call(abi.CallFDSeek, FD(0), 0, abi.WhenceSet)}},
		{"fd_stat_get", 0, []Step{Call(abi.CallFDStatGet, FD(0), Mem(0))}},
		{"fd_dup and fd_close", 0, []Step{Call(abi.CallFDDup, FD(0)).To(0), Call(abi.CallFDClose, Var(0))}},
		{"a pair of sockets", 0, []Step{Call(abi.CallFDWrite, FD(3), At(room(0), 1)), Call(abi.CallFDRead, FD(2), At(room(0), 1))}},
		{"sock_send and sock_recv", 0, []Step{Call(abi.CallSockSend, FD(3), room(1), Mem(0)), Call(abi.CallSockRecv, FD(2), room(1), Mem(0))}},
		{"file_stat_fget", 0, []Step{Call(abi.CallFileStatFget, FD(0), Mem(0))}},
		{"file_stat_get", 0, []Step{Call(abi.CallFileStatGet, FD(1), At(room(2), 1), Mem(0))}},
		{"file_open and fd_close", 2, []Step{ // a descriptor: an object and an entry
			Call(abi.CallFileOpen, FD(1), At(room(2), 1), 0, room(4)).To(0), Call(abi.CallFDClose, Var(0))}},
		{"mem_map and mem_unmap", 0, []Step{
			Call(abi.CallMemMap, 0, page, rw, anon, abi.FDMapAnon, 0).To(0), Call(abi.CallMemUnmap, Var(0), page)}},
		{"mem_protect", 0, []Step{Call(abi.CallMemProtect, Mem(0), page, rw)}},
		{"poll", 0, []Step{Call(abi.CallPoll, room(3), Mem(0), 1)}},
		{"poll for a free lock", 0, []Step{Call(abi.CallPoll, room(5), Mem(0), 1), Call(abi.CallLockUnlock, Mem(0x800), abi.ScopePrivate)}},
		{"condvar_signal", 0, []Step{Call(abi.CallCondvarSignal, Mem(0x840), abi.ScopePrivate, 1)}},
		{"thread_yield", 0, []Step{Call(abi.CallThreadYield)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			few, many := mallocs(t, c.steps, 1), mallocs(t, c.steps, rounds)
			// Go allocates a little meanwhile.
			if per := float64(many-few) / rounds; per > c.most+0.1 {
				t.Errorf("%.2f allocations a round, want %v", per, c.most)
			}
		})
	}
}

// mallocs counts the allocations of a process that makes some steps again and again.
func mallocs(t *testing.T, steps []Step, rounds uint64) int64 {
	tt := Test{Grants: pointerGrants, Steps: pointerDescriptors()}
	tt.Steps = append(tt.Steps,
		fill(room(0), abi.TypeIovec), fill(room(1), abi.TypeRecvIn), fill(room(2), abi.TypeChar),
		Poke(room(3), ready(FD(0), abi.EventtypeFDRead)), Poke(room(4), fdstat(abi.RightFDRead)),
		Poke(room(5), locked(Mem(0x800), abi.ScopePrivate, abi.EventtypeLockWrlock)),
		Repeat(OwnVar, rounds, steps...))
	j := newJob(&tt, false)
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	before := m.Mallocs
	runAll(t, []*job{j})
	goruntime.ReadMemStats(&m)
	if j.failure != "" {
		t.Fatal(j.failure)
	}
	return int64(m.Mallocs - before)
}
