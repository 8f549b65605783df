package memory

import (
	"math/big"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// FuzzSpan compares the arithmetic on ranges with that of big numbers, and makes
// sure that no range, however odd, reaches pages that are not the guest's.
func FuzzSpan(f *testing.F) {
	for _, a := range []uint64{0, 1, host.ArenaLo, host.ArenaHi - 1, host.ArenaHi, host.ArenaHi - pageSize,
		1 << 63, 1<<64 - 1, 1<<64 - pageSize} {
		for _, n := range []uint64{0, 1, pageSize, host.ArenaHi, 1 << 63, 1<<64 - 1, 1<<64 - pageSize} {
			f.Add(a, n)
		}
	}
	s := newSpace(f)
	f.Fuzz(func(t *testing.T, addr, n uint64) {
		big64 := func(v uint64) *big.Int { return new(big.Int).SetUint64(v) }
		end := new(big.Int).Add(big64(addr), big64(n))
		inside := end.Cmp(big64(host.ArenaHi)) <= 0 && addr < host.ArenaHi
		lo, hi, err := span(addr, n, abi.ENOMEM)
		switch {
		case n == 0 || addr%pageSize != 0:
			isErr(t, "span", err, abi.EINVAL)
		case !inside:
			isErr(t, "span", err, abi.ENOMEM)
		case err != nil || lo != addr || hi > host.ArenaHi || hi%pageSize != 0 || hi-pageSize >= addr+n || hi < addr+n:
			t.Errorf("span(%#x, %#x) = %#x, %#x, %v", addr, n, lo, hi, err)
		}
		var arena bool
		for _, r := range s.arena {
			arena = arena || addr >= r.Lo && end.Cmp(big64(r.Hi)) <= 0
		}
		if got := s.contains(addr, n); got != arena {
			t.Errorf("contains(%#x, %#x) = %v", addr, n, got)
		}
		// Nothing is mapped: whatever is asked for must be refused, and end.
		if n != 0 && s.Check(addr, n, false) == nil || n != 0 && s.Check(addr, n, true) == nil {
			t.Errorf("Check(%#x, %#x) succeeds", addr, n)
		}
		if s.Protect(addr, n, abi.ProtRead) == nil && n != 0 || s.Advise(addr, n, abi.AdviceNormal) == nil && n != 0 {
			t.Errorf("Protect or Advise of [%#x, +%#x) succeeds", addr, n)
		}
		if err := s.Unmap(addr, n); err == nil && (n == 0 || !inside || s.has(addr, addr+n, foreign)) {
			t.Errorf("Unmap(%#x, %#x) succeeds", addr, n)
		}
		for _, err := range []error{s.CopyOut(addr, []byte{1}), s.Store64(addr, 1), s.Store32(addr, 1)} {
			if err == nil {
				t.Errorf("a write at %#x succeeds", addr)
			}
		}
		s.WriteFault(addr)
		_ = s.Describe(addr)
	})
}
