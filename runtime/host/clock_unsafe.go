//go:build !(windows && amd64)

package host

import (
	"time"
	_ "unsafe" // for linkname
)

// nanotime is Go's monotonic clock. time.Now would read two clocks to tell one.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

func monotonic() int64 { return nanotime() }

// Realtime returns nanoseconds since 1970-01-01T00:00:00Z, negative before.
func Realtime() int64 { return time.Now().UnixNano() }
