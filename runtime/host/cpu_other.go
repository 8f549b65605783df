//go:build !amd64

package host

// CPUVendor is empty: only amd64's CPUs name their maker.
func CPUVendor() string { return "" }
