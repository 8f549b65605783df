//go:build !(windows && amd64)

package host

// Descriptor is the descriptor that people call number n; false if it was not open
// when this program started: one that is closed on exec is the program's own.
func Descriptor(n int) (fd int, ok bool) { return n, Inherited(n) }
