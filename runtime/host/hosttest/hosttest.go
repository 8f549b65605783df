// Package hosttest is for tests that need guest memory: importing it claims the
// fixed address ranges, and starts the test binary anew in the rare case that Go's
// heap has taken one of them, as the command does; also, once, where that is cramped,
// as Windows is without the start that programs have there.
package hosttest

import (
	"errors"
	"os"
	"strconv"

	"cabitrans/runtime/host"
)

// cramped reports whether guest memory has less than 1 GiB in one piece: more is to be
// had on a host where who starts a program reserves it.
func cramped(s *host.Space) bool {
	for _, r := range s.Arena() {
		if r.Hi-r.Lo >= 1<<30 {
			return false
		}
	}
	return true
}

const restartEnv = "CABITRANS_TEST_RESTARTS"

func init() {
	if occupy() {
		return // what is tested is how the program itself gets over it
	}
	n, _ := strconv.Atoi(os.Getenv(restartEnv))
	space, err := host.Reserve()
	switch {
	case n == 0 && err == nil && cramped(space): // as programs find it
	case !errors.Is(err, host.ErrNoSpace):
		return // the tests see any other error themselves
	}
	if n < host.MaxStarts {
		_ = host.StartAnew(restartEnv, strconv.Itoa(n+1)) // returns only if it fails
	}
}
