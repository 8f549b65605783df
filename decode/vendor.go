package decode

// Vendor tells apart what AMD's and Intel's CPUs do with 0x66 before a near branch: Intel's ignore it, AMD's take a
// 16-bit operand size (a shorter displacement and a truncated instruction pointer).
type Vendor uint8

// The vendors.
const (
	VendorIntel Vendor = iota
	VendorAMD
)

var hostVendor = VendorIntel

// SetVendor chooses whose rule Decode follows, before the first Decode: it is not synchronised.
func SetVendor(v Vendor) { hostVendor = v }
