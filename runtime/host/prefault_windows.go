//go:build amd64

package host

// Prefault may make n bytes of the code cache from offset off on present. This host has no call for that: it is left to
// the faults.
func (s *Space) Prefault(off, n uint64) {}
