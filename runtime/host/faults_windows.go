//go:build amd64

package host

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// FaultsNeedStack says that a fault reaches its handler only where the guest has memory
// that can be written below its stack pointer, StackRoom at most: the system writes what
// it knows of the fault there, and ends the process when it cannot.
const FaultsNeedStack = true

// StackRoom is how many bytes below a stack's guard page do for the record of the fault
// there, some 4 KiB with AVX-512, also when the stack pointer is a few pages lower.
const StackRoom = 64 << 10

// GuardStack makes the page at addr, which the guest cannot access, one that faults once
// and can be written from then on: the record of that fault needs it.
func GuardStack(addr uint64) error {
	var old uint32
	err := windows.VirtualProtect(uintptr(addr), PageSize, windows.PAGE_READWRITE|windows.PAGE_GUARD, &old)
	if err != nil {
		return fmt.Errorf("cannot guard the stack at %#x: %w", addr, err)
	}
	return nil
}
