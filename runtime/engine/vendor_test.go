package engine

import (
	"testing"

	"cabitrans/decode"
)

func TestVendorOf(t *testing.T) {
	for name, want := range map[string]decode.Vendor{
		"AuthenticAMD": decode.VendorAMD, "HygonGenuine": decode.VendorAMD, "GenuineIntel": decode.VendorIntel,
		"  Shanghai  ": decode.VendorIntel, "CentaurHauls": decode.VendorIntel, "": decode.VendorIntel,
	} {
		if got := vendorOf(name); got != want {
			t.Errorf("%q: vendor %d, want %d", name, got, want)
		}
	}
}
