//go:build amd64

package host

// Populate and Prefault make fresh memory, and that of the code cache, present on hosts that have a call for it: here
// all is left to the faults.
func Populate(b []byte) {}

// Prefault is like Populate.
func (s *Space) Prefault(off, n uint64) {}
