//go:build amd64

package host

import "os"

// PlaceTaken says what lies in guest memory that the guest does not have.
const PlaceTaken = "where Windows has put something of its own"

// replace runs exe in this program's place: Windows cannot put another program into a
// process, so this one waits for it and ends as it does.
func replace(exe string) error {
	status, err := supervise(exe)
	if err != nil {
		return err
	}
	Ended()
	os.Exit(status)
	return nil // never reached
}
