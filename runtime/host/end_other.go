//go:build !(linux && amd64)

package host

import (
	"os"
	"syscall"
)

// EndingSignals are signals that end a program and that not every host has.
var EndingSignals []os.Signal

// EndBy cannot be had on this system.
func EndBy(syscall.Signal) {}

// OnHangup cannot be had on this system: KillOnHangup may.
func OnHangup(int, func()) error { return ErrUnsupported }
