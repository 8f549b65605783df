//go:build !((linux || windows) && amd64)

package host

// Advise answers ErrUnsupported.
func (s *Space) Advise(addr, length uint64, a Advice) error { return ErrUnsupported }

// Sync answers ErrUnsupported.
func (s *Space) Sync(addr, length uint64, wait, invalidate bool) error { return ErrUnsupported }
