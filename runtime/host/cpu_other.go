//go:build !amd64

package host

// CPUVendor is empty: only amd64's CPUs name their maker.
func CPUVendor() string { return "" }

// Selectors are 0.
func Selectors() (cs, ss uint16) { return 0, 0 }

// SegmentRights knows no segment.
func SegmentRights(uint16) (rights uint32, ok bool) { return 0, false }
