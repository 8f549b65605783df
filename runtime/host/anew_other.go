//go:build !(windows && amd64)

package host

import (
	"os"
	"syscall"
)

// PlaceTaken says what lies in guest memory that the guest does not have.
const PlaceTaken = "where cabitrans itself lies; build cabitrans with -buildmode=pie"

func replace(exe string) error { return syscall.Exec(exe, os.Args, os.Environ()) }
