package kernel

import (
	"testing"

	"cabitrans/runtime/abi"
)

func TestTableRows(t *testing.T) {
	seen := map[abi.Call]bool{}
	for _, row := range table {
		if seen[row.call] {
			t.Errorf("%v has two rows", row.call)
		}
		seen[row.call] = true
		if row.do == nil {
			t.Errorf("%v has no handler", row.call)
		}
	}
	if got := calls[abi.CallMemMap]; got.params != 6 || got.results != 1 || got.size[0] != 8 {
		t.Errorf("mem_map: %+v", got)
	}
	if got := calls[abi.CallFDCreate2]; got.params != 1 || got.results != 2 || got.size != [2]uint8{4, 4} {
		t.Errorf("fd_create2: %+v", got)
	}
}

// What is not built says so, and touches nothing.
func TestMissingCalls(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		var a [8]uint64
		n := 0
		for c := range abi.Call(abi.NumCalls) {
			if calls[c].do != nil {
				continue
			}
			n++
			if o := th.CallVDSO(c, &a); o != (Outcome{Errno: abi.ENOSYS}) {
				t.Errorf("%v: %+v", c, o)
			}
			if _, _, o := th.CallRaw(uint64(c.Info().Num2016), &a); o != (Outcome{Errno: abi.ENOSYS}) {
				t.Errorf("raw %v: %+v", c, o)
			}
			if got := f.p.Counts()[c]; got != 2 {
				t.Errorf("%v was counted %d times, want 2", c, got)
			}
		}
		if n != abi.NumCalls-len(table) {
			t.Errorf("%d calls without handler, want %d", n, abi.NumCalls-len(table))
		}
		for _, num := range []uint64{58, 1 << 32, ^uint64(0)} {
			if _, _, o := th.CallRaw(num, &a); o != (Outcome{Errno: abi.ENOSYS}) {
				t.Errorf("raw %#x: %+v", num, o)
			}
		}
		if o := th.CallVDSO(200, &a); o != (Outcome{Errno: abi.ENOSYS}) {
			t.Errorf("call 200: %+v", o)
		}
	})
}

// The two ways of calling return the same thing in different places.
func TestResultConventions(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		p1, p2 := f.alloc(4), f.alloc(4)
		f.expect(th, 0, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream)|0xabcd00, p1, p2)
		if a, b := f.get32(p1), f.get32(p2); a != 0 || b != 1 {
			t.Errorf("fd_create2 stored %d, %d", a, b)
		}
		if next := f.get32(p1 + 4); next != 0 {
			t.Errorf("fd_create2 wrote past its 4-byte result: %#x", next)
		}
		args := [8]uint64{uint64(abi.FiletypeSocketDgram)}
		r0, r1, o := th.CallRaw(5, &args)
		if r0 != 2 || r1 != 3 || o != (Outcome{}) {
			t.Errorf("raw fd_create2 = %d, %d, %+v", r0, r1, o)
		}
		// A result that cannot be stored: the call does not happen.
		f.expect(th, abi.EFAULT, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream), p1, badAddr)
		f.expect(th, abi.EFAULT, abi.CallFDCreate2, uint64(abi.FiletypeSocketStream), 0, p2)
		f.expect(th, abi.EFAULT, abi.CallClockTimeGet, uint64(abi.ClockMonotonic), 0, badAddr)
		f.expect(th, 0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory), p1)
		if fd := f.get32(p1); fd != 4 {
			t.Errorf("a call that failed left a descriptor behind: next is %d, want 4", fd)
		}
		// A misaligned result is stored all the same, as the processor would.
		odd := f.alloc(16) + 1
		f.expect(th, 0, abi.CallClockTimeGet, uint64(abi.ClockMonotonic), 0, odd)
		if f.get64(odd) == 0 {
			t.Error("clock_time_get stored nothing at an odd address")
		}
		if _, _, o := th.CallRaw(55, &[8]uint64{0x1234}); o != (Outcome{}) || f.tcb != 0x1234 {
			t.Errorf("thread_tcb_set: %+v, base %#x", o, f.tcb)
		}
	})
}
