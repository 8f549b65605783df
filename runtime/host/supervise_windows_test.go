//go:build amd64

package host

import "testing"

// TestSilentEnd: only what the system says is an error is taken for one.
func TestSilentEnd(t *testing.T) {
	for code, want := range map[uint32]int{
		0:           139, // Wine
		0xc0000005:  139,
		0xc00000fd:  139,
		0xc0000409:  139,
		0xc000013a:  130,
		1:           1,
		2:           2, // Go
		0x7fff_ffff: 0x7fff_ffff,
	} {
		if got := silentEnd(code); got != want {
			t.Errorf("%#x: %d, want %d", code, got, want)
		}
	}
}
