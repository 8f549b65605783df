package runtime

import (
	"os"
	goruntime "runtime"

	"cabitrans/runtime/host"
)

// ExecutableBits tells whether files of the host say who may execute them.
const ExecutableBits = goruntime.GOOS != "windows" && goruntime.GOOS != "plan9"

// Descriptor is the host descriptor that people call number fd; false if there was none
// when this program started: one that is open then would be passed on to another
// program, whatever Go opens is not.
func Descriptor(fd int) (int, bool) { return host.Descriptor(fd) }

// Inherited reports whether host descriptor fd was open when this program
// started: it is open and would be passed on to another program. Whatever Go
// opens is not.
func Inherited(fd int) bool { return host.Inherited(fd) }

// IsTerminal tells whether a file is one.
func IsTerminal(f *os.File) bool { return host.IsTerminal(int(f.Fd())) }
