//go:build amd64

package host

import "os"

// AdoptFD makes a descriptor of the kernel's own for one that the host program has open.
func AdoptFD(fd int) (int, error) { return DupFD(fd) }

// OSFile is a duplicate of a descriptor as a file of package os, with a name for its
// errors.
func OSFile(fd int, name string) (*os.File, error) {
	dup, err := DupFD(fd)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(dup), name), nil
}
