package host

import _ "unsafe" // for linkname

// nanotime is Go's monotonic clock. time.Now would read two clocks to tell one.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
