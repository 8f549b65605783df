package engine

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/cpu"

	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// Distances of the Block's fields from the thread block's first word, which with the
// strategy gs is the %gs base.
const (
	offSpill   = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.Spill))
	offFSBase  = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.FSBase))
	offRIP     = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.RIP))
	offExit    = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.Exit))
	offEntry   = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.Entry))
	offExitArg = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.ExitArg))
)

func blockCells() codegen.Cells {
	return codegen.Cells{
		Spill:   [5]int32{offSpill, offSpill + 8, offSpill + 16, offSpill + 24, offSpill + 32},
		FSBase:  offFSBase,
		RIP:     offRIP,
		ExitArg: offExitArg,
		Exit:    offExit,
		Entry:   offEntry,
	}
}

// Offsets of what the stub needs that reads clocks.
const (
	offClockSP = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.ClockSP))
	offClocks  = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.Clocks))
)

// offCounters is that of a field which translated code alone reads.
const offCounters = host.BlockOffset + int32(unsafe.Offsetof(host.Block{}.Counters))

// counterAddress is where counters lie, which the collector does not move.
func counterAddress(counters []uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(counters))))
}

func stubLayout(tls rewrite.TLS) codegen.Layout {
	const o = int32(host.BlockOffset)
	var b host.Block
	return codegen.Layout{
		HostSP:    o + int32(unsafe.Offsetof(b.HostSP)),
		HostBP:    o + int32(unsafe.Offsetof(b.HostBP)),
		HostG:     o + int32(unsafe.Offsetof(b.HostG)),
		State:     o + int32(unsafe.Offsetof(b.State)),
		Kick:      o + int32(unsafe.Offsetof(b.Kick)),
		Exit:      offExit,
		ExitArg:   offExitArg,
		Entry:     offEntry,
		MXCSR:     o + int32(unsafe.Offsetof(b.MXCSR)),
		HostMXCSR: o + int32(unsafe.Offsetof(b.HostMXCSR)),
		Regs:      o + int32(unsafe.Offsetof(b.Regs)),
		Flags:     o + int32(unsafe.Offsetof(b.Flags)),
		Result:    o + int32(unsafe.Offsetof(b.Result)),
		XSave:     host.XSaveOffset,
		Spill:     offSpill,
		FSBase:    offFSBase,
		RIP:       offRIP,
		RealFS:    o + int32(unsafe.Offsetof(b.RealFS)),
		HostFS:    o + int32(unsafe.Offsetof(b.HostFS)),
		Args:      o + int32(unsafe.Offsetof(b.Args)),
		Restore:   o + int32(unsafe.Offsetof(b.Restore)),

		Cells: tls.Cells(blockCells()), Switch: tls.Switch(),

		StateHost: host.StateHost, StateGuest: host.StateGuest, StateLeaving: host.StateLeaving,
		ExitCall: host.ExitCall, ExitLink: host.ExitLink, ExitSyscall: host.ExitSyscall,
		ExitTrap: host.ExitTrap, ExitAbort: host.ExitAbort,
		DefaultMXCSR: host.DefaultMXCSR, Control: controlWord,
		HasAVX:   cpu.X86.HasAVX,
		HasInUse: host.HasInUse(),
	}
}

// atomicStore32 stores v in the first bytes of b, which are aligned.
func atomicStore32(b []byte, v uint32) { atomic.StoreUint32((*uint32)(unsafe.Pointer(&b[:4][0])), v) }

// bytesOf is the memory of s.
func bytesOf[T any](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(*new(T)))
}
