//go:build amd64

package host

// AdoptFD makes a descriptor of the kernel's own for one that the host program has open.
func AdoptFD(fd int) (int, error) { return DupFD(fd) }
