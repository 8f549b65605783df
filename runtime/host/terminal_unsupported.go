//go:build !linux

package host

// IsTerminal knows of none.
func IsTerminal(fd int) bool { return false }
