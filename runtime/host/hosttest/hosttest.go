// Package hosttest is for tests that need guest memory: importing it claims the
// fixed address ranges, and starts the test binary anew in the rare case that Go's
// heap has taken one of them, as the command does.
package hosttest

import (
	"errors"
	"os"
	"strconv"

	"cabitrans/runtime/host"
)

const restartEnv = "CABITRANS_TEST_RESTARTS"

func init() {
	if occupy() {
		return // what is tested is how the program itself gets over it
	}
	if _, err := host.Reserve(); !errors.Is(err, host.ErrNoSpace) {
		return // the tests see any other error themselves
	}
	n, _ := strconv.Atoi(os.Getenv(restartEnv))
	if n < host.MaxStarts {
		_ = host.StartAnew(restartEnv, strconv.Itoa(n+1)) // returns only if it fails
	}
}
