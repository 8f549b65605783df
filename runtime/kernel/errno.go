package kernel

import (
	"errors"
	"syscall"

	"cabitrans/runtime/abi"
)

// errnoOf reduces an error to its number: one of the guest's as it is, one of the
// host's converted. What has neither is EIO.
func errnoOf(err error) abi.Errno {
	if err == nil {
		return 0
	}
	var guest abi.Errno
	if errors.As(err, &guest) {
		return guest
	}
	var e syscall.Errno
	switch {
	case errors.As(err, &e):
		return fromHost(e)
	case errors.Is(err, errors.ErrUnsupported):
		return abi.ENOTSUP
	}
	return abi.EIO
}

// Results of handlers that no guest ever sees: what is to be done with the thread
// instead of returning to it.
const (
	errRestart     abi.Errno = 0xffff - iota // interrupted by a kick: call again
	errExitThread                            // the thread is gone
	errExitProcess                           // the process is ending
)
