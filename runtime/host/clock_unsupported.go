//go:build !((linux || windows) && amd64)

package host

func cpuTime(c Clock) (int64, error) { return 0, ErrUnsupported }

// Resolution answers ErrUnsupported on this system.
func Resolution(c Clock) (int64, error) { return 0, ErrUnsupported }
