package engine

import (
	"sync"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// followHost makes Decode follow the CPU's own rule for 66 before a near branch: what is copied runs by that rule, and
// an instruction must have the length that the CPU gives it. Once, before the process's first translation.
var followHost = sync.OnceFunc(func() {
	decode.SetVendor(vendorOf(host.CPUVendor()))
})

// vendorOf is the rule of a maker of CPUs. Hygon's are AMD's design; all others follow Intel.
func vendorOf(name string) decode.Vendor {
	switch name {
	case "AuthenticAMD", "HygonGenuine":
		return decode.VendorAMD
	}
	return decode.VendorIntel
}
