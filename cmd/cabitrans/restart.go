package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"cabitrans/runtime"
)

// Where Go's heap lies is random, and sometimes it takes a place that guest
// memory needs. Another start of this program then very likely succeeds.
const (
	restartEnv  = "CABITRANS_RESTARTS" // how often it has been started anew
	maxRestarts = 8
)

// prepare claims guest memory's place, starting this program anew if that fails.
// Nothing has been read from standard input yet.
func prepare() error {
	n, _ := strconv.Atoi(os.Getenv(restartEnv))
	err := runtime.Prepare()
	if err == nil || !errors.Is(err, runtime.ErrAddressSpace) {
		return err
	}
	if n >= maxRestarts {
		return fmt.Errorf("%w (also after starting anew %d times; build cabitrans with -buildmode=pie if it is not)", err, n)
	}
	exe, exeErr := os.Executable()
	if exeErr != nil {
		return err
	}
	if os.Setenv(restartEnv, strconv.Itoa(n+1)) != nil || syscall.Exec(exe, os.Args, os.Environ()) != nil {
		return err
	}
	return nil // not reached: Exec does not return when it succeeds
}
