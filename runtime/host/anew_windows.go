//go:build amd64

package host

import "os"

// PlaceTaken says what lies in guest memory that the guest does not have.
const PlaceTaken = "where Windows has put something of its own"

// replace runs exe in this program's place: Windows cannot put another program into a
// process, so this one waits for it and ends as it does.
func replace(exe string) error {
	code, byItself, err := supervise(exe)
	switch {
	case err != nil:
		return err
	case !byItself && code == 0: // a program that knows nothing of Ended; if it should, our own supervisor does
		os.Exit(0)
	case !byItself:
		code = uint32(silentEnd(code))
	}
	Ended()
	os.Exit(int(code))
	return nil // never reached
}
