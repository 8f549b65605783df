package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

func TestTime(t *testing.T) {
	var tests []Test
	for _, c := range []abi.Clockid{abi.ClockMonotonic, abi.ClockProcessCputimeID, abi.ClockRealtime, abi.ClockThreadCputimeID} {
		tests = append(tests, T(c.String(),
			Call(abi.CallClockResGet, c).To(0),
			Check(Var(0), NotEqual, 0),
			Check(Var(0), AtMost, 1_000_000_000),
			Call(abi.CallClockTimeGet, c, 0).To(1),
			Call(abi.CallClockTimeGet, c, ^uint64(0)).To(2),
			Check(Var(1), NotEqual, 0),
			Check(Var(1), AtMost, Var(2))))
	}
	Run(t, append(tests,
		T("no clock", Call(abi.CallClockResGet, 0).Err(abi.EINVAL), Call(abi.CallClockTimeGet, 0, 0).Err(abi.EINVAL)),
		T("an unknown clock", Call(abi.CallClockResGet, 5).Err(abi.EINVAL), Call(abi.CallClockTimeGet, 5, 0).Err(abi.EINVAL)),
		T("random bytes",
			Call(abi.CallRandomGet, Mem(0), 16),
			Load(0, Mem(0), 8), Load(1, Mem(8), 8),
			Check(Var(0), NotEqual, 0), Check(Var(1), NotEqual, Var(0)),
			Holds(Mem(16), make([]byte, 16))),
		T("many random bytes", Call(abi.CallRandomGet, Mem(0), 0x7000),
			Load(0, Mem(0x6ff8), 8), Check(Var(0), NotEqual, 0), Holds(Mem(0x7000), make([]byte, 16))),
		T("no random bytes", Call(abi.CallRandomGet, 1, 0), Call(abi.CallRandomGet, ^uint64(0), 0)),
		T("too many random bytes", Call(abi.CallRandomGet, Mem(0), ^uint64(0)).Err(abi.EFAULT)),
		T("no such call", CallNumber(58), CallNumber(1<<32+1), CallNumber(^uint64(0))),
	))
}
