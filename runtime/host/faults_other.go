//go:build !windows

package host

// FaultsNeedStack is false: handlers have a stack of their own.
const FaultsNeedStack = false
