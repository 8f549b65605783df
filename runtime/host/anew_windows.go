package host

import (
	"errors"
	"os"
	"os/exec"
)

// replace runs exe in this program's place: Windows cannot put another program into a
// process, so this one waits for it and ends as it does.
func replace(exe string) error {
	c := exec.Command(exe, os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	os.Exit(c.ProcessState.ExitCode())
	return nil // never reached
}
