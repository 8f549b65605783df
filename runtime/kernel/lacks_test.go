package kernel

import (
	"runtime"
	"testing"
)

// What Windows, or its leaf of package host, lacks.
const (
	lacksLinks = "links take a privilege, FIFOs and sockets are in no file system of Windows, " +
		"and Wine follows the links of its host"
)

// notOnWindows skips a test that needs what is not there.
func notOnWindows(t testing.TB, lacks string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip(lacks)
	}
}
