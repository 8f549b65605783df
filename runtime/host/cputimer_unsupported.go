//go:build !(linux && amd64)

package host

import "time"

// CPUTimer kicks a guest thread whenever it has used some CPU time; there is none on
// this system.
type CPUTimer int32

// NewCPUTimer answers ErrUnsupported.
func (t *Thread) NewCPUTimer(first, period time.Duration) (CPUTimer, error) { return 0, ErrUnsupported }

// Stop does nothing.
func (c CPUTimer) Stop() {}
