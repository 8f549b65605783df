//go:build !(linux && amd64)

package host

import (
	"fmt"
	"runtime"
)

// ErrUnsupported is what everything that this package cannot do on a system answers.
var ErrUnsupported = fmt.Errorf("cabitrans has no host leaf for %s/%s that does this yet", runtime.GOOS, runtime.GOARCH)
