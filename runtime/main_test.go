package runtime_test

import (
	"os"
	"testing"

	"cabitrans/runtime"
)

// Guests of these tests fork: a fresh start of the test binary is then the child.
func TestMain(m *testing.M) {
	runtime.EnableFork()
	os.Exit(m.Run())
}
