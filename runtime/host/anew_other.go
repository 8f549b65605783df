//go:build !(windows && amd64)

package host

import (
	"os"
	"syscall"
)

func replace(exe string) error { return syscall.Exec(exe, os.Args, os.Environ()) }
