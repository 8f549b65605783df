package host

import "golang.org/x/sys/unix"

// IsTerminal tells whether a descriptor is one of a terminal.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
