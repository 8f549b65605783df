//go:build amd64

package host

import "golang.org/x/sys/windows"

// Descriptor is the descriptor that people call number n; false if there is none. On
// Windows these are the three standard handles.
func Descriptor(n int) (fd int, ok bool) {
	std := [...]uint32{windows.STD_INPUT_HANDLE, windows.STD_OUTPUT_HANDLE, windows.STD_ERROR_HANDLE}
	if n < 0 || n >= len(std) {
		return -1, false
	}
	h, err := windows.GetStdHandle(std[n])
	if err != nil || h == 0 || h == windows.InvalidHandle || !Inherited(int(h)) {
		return -1, false
	}
	return int(h), true
}
