//go:build amd64

package host

import "golang.org/x/sys/unix"

// Populate makes fresh memory of Go's heap present, which will be written soon: one call for what would be a fault a page.
// A kernel that does not know how (before 5.14) leaves all to the faults.
func Populate(b []byte) { _ = unix.Madvise(b, unix.MADV_POPULATE_WRITE) }

// Prefault makes n bytes of the code cache from offset off on, whole pages, present. Where they execute they then come by
// the kernel's fault-around, sixteen with a fault.
func (s *Space) Prefault(off, n uint64) { Populate(s.code[off : off+n]) }
