//go:build windows && amd64

package host

import (
	"syscall"
	"testing"
	"unsafe"
)

// TestExceptionOfAKickedThread: a kick may stop a thread whose exception has happened and
// is not reported yet. The report then comes with the registers that the kick has set,
// and must neither replace what the kick has saved nor become a fault.
func TestExceptionOfAKickedThread(t *testing.T) {
	slots := TLSSlots(1)
	if len(slots) == 0 {
		t.Fatal("no TLS slot is free")
	}
	oldTLS, oldExit, oldAbort := tls, stubFaultExit, stubAbort
	cell := int32(tebSlots + 8*int32(slots[0]))
	if err := UseTLS(TLS{BlockCell: cell, GSBase: -cell}); err != nil {
		t.Fatal(err)
	}
	th := hostThread(t)
	stubFaultExit, stubAbort = 0x6c00_0080, 0x6c00_0000
	t.Cleanup(func() {
		stubFaultExit, stubAbort, tls, blockCell = oldExit, oldAbort, oldTLS, uint64(oldTLS.BlockCell)
	})
	const guest = 0x6c12_3456
	b := th.Block()
	for _, c := range []struct {
		name string
		rip  uint64
		want uint32
	}{
		{"guest", guest, ExitFault},
		{"fault exit", stubFaultExit, ExitKick},
		{"abort", stubAbort, ExitKick},
	} {
		var record struct {
			code, flags uint32
			next, addr  uint64
			n           uint32
			info        [15]uint64
		}
		var context [contextSize]byte
		rip := (*uint64)(unsafe.Pointer(&context[0xf8]))
		record.code, *rip = codeIllegal, c.rip
		pointers := [2]unsafe.Pointer{unsafe.Pointer(&record), unsafe.Pointer(&context)}
		b.State, b.Exit, b.HostPC = StateGuest, ExitKick, 1
		r, _, _ := syscall.SyscallN(exceptionHandlerPC(), uintptr(unsafe.Pointer(&pointers)))
		goOn, _, _ := syscall.SyscallN(continueHandlerPC(), uintptr(unsafe.Pointer(&pointers)))
		b.State = StateHost
		if int32(r) != -1 || int32(goOn) != -1 || b.Exit != c.want {
			t.Errorf("%s: the handlers answer %d and %d, with exit %d, want -1, -1 and %d",
				c.name, int32(r), int32(goOn), b.Exit, c.want)
		}
		pc := uint64(1)
		if c.want == ExitFault {
			pc = guest
		}
		if to := *rip; b.HostPC != pc || c.want == ExitKick && to != c.rip || c.want == ExitFault && to != stubFaultExit {
			t.Errorf("%s: the thread goes on at %#x, from %#x", c.name, to, b.HostPC)
		}
	}
}
