//go:build amd64

package host

import "golang.org/x/sys/unix"

// Prefault makes n bytes of the code cache from offset off on, whole pages, present: one call for what would be a fault
// a page. Where they execute they then come by the kernel's fault-around, sixteen with a fault. A kernel that does not
// know how (before 5.14) leaves all to the faults, and so does one that is short of memory.
func (s *Space) Prefault(off, n uint64) {
	_ = unix.Madvise(s.code[off:off+n], unix.MADV_POPULATE_WRITE)
}
