//go:build !(linux && amd64)

package bench

import (
	"errors"
	"io"
	"time"
)

// Native cannot be had on this system.
type Native struct{}

// OpenNative answers an error: there is no native side here.
func OpenNative(r io.ReaderAt, size int64) (*Native, error) {
	return nil, errors.New("bench: guest code runs natively on Linux/amd64 only")
}

// Run is never reached.
func (n *Native) Run(arg uint64) (uint64, time.Duration) { return 0, 0 }

// Close does nothing.
func (n *Native) Close() {}
