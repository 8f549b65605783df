package runtime

import (
	goruntime "runtime"

	"cabitrans/runtime/host"
)

// ExecutableBits tells whether files of the host say who may execute them.
const ExecutableBits = goruntime.GOOS != "windows" && goruntime.GOOS != "plan9"

// Inherited reports whether host descriptor fd was open when this program
// started: it is open and would be passed on to another program. Whatever Go
// opens is not.
func Inherited(fd int) bool { return host.Inherited(fd) }
