//go:build !linux && !windows

package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
)

// fromHost knows no error numbers of this system.
func fromHost(e syscall.Errno) abi.Errno {
	if e == 0 {
		return 0
	}
	return abi.EIO
}
