//go:build (linux || windows) && amd64

package host

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// ErrNoThreads is returned when MaxThreads guest threads exist.
var ErrNoThreads = errors.New("no more guest threads")

// bytesAt is the memory of the process at addr.
func bytesAt(addr, n uint64) []byte { return unsafe.Slice((*byte)(pointer(addr)), n) }

func pointer(addr uint64) unsafe.Pointer {
	p := uintptr(addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// xsaveSize is the size in bytes of the XSAVE area for the state components the
// operating system has enabled, or that of FXSAVE where there is no XSAVE.
func xsaveSize() int {
	if !cpu.X86.HasOSXSAVE {
		return 512
	}
	return int(cpuidXSave())
}

// cpuidXSave is CPUID leaf 0xD, subleaf 0, EBX. Implemented in assembly.
func cpuidXSave() uint32

// HasInUse reports whether XGETBV tells which state components are not in their initial state.
func HasInUse() bool { return cpu.X86.HasOSXSAVE && cpuidXFeatures()&(1<<2) != 0 }

// cpuidXFeatures is CPUID leaf 0xD, subleaf 1, EAX. Implemented in assembly.
func cpuidXFeatures() uint32

// XSave returns the thread's saved extended state. It may be used only while the
// thread is outside the guest, by the thread itself.
func (t *Thread) XSave() []byte {
	t.block.Restore = 1
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t.block), XSaveOffset-BlockOffset)), xsaveMax)
}

// cpuidXState is CPUID leaf 0xD, the given subleaf, EBX. Implemented in assembly.
func cpuidXState(component uint32) uint32

// XStateOffset is where a component of extended state, from 2 on, begins in Thread.XSave.
func XStateOffset(component int) int { return int(cpuidXState(uint32(component))) }

// X87Control is the calling thread's x87 control word, which Go never touches: on
// a guest thread it is the guest's.
func X87Control() uint16 { return x87Control() }

// x87Control is FNSTCW. Implemented in assembly.
func x87Control() uint16
