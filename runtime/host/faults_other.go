//go:build !(windows && amd64)

package host

// FaultsNeedStack is false: handlers have a stack of their own.
const FaultsNeedStack = false

// StackRoom is what records of faults need below a stack's guard page.
const StackRoom = 0

// GuardStack is for hosts where FaultsNeedStack.
func GuardStack(uint64) error { return nil }
