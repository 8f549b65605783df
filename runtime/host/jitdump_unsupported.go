//go:build !linux

package host

// MapForPerf cannot be had: perf is Linux's.
func MapForPerf(int) error { return ErrUnsupported }
