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
const restartEnv = "CABITRANS_RESTARTS" // how often it has been started anew

// prepare claims guest memory's place, starting this program anew if that fails.
// Nothing has been read from standard input yet.
func prepare() error {
	if err := checkDescriptors(); err != nil {
		return err
	}
	err := claim(os.Getenv(restartEnv), runtime.Prepare, startAnew)
	if err == nil {
		_ = os.Unsetenv(restartEnv) // it is no business of later processes
	}
	return err
}

// claim calls try, and again if that failed for want of a place. count is the
// value of restartEnv. again does not return when it succeeds.
func claim(count string, try func() error, again func(count string) error) error {
	err := try()
	if err == nil || !errors.Is(err, runtime.ErrAddressSpace) {
		return err
	}
	n, _ := strconv.Atoi(count) // whatever is no number counts as 0, like no value
	if n >= runtime.MaxStarts {
		return fmt.Errorf("%w, also after starting cabitrans anew %d times", err, n)
	}
	return fmt.Errorf("%w, and cabitrans cannot start itself anew: %w", err, again(strconv.Itoa(max(n, 0)+1)))
}

// startAnew replaces this program by a fresh start of it.
func startAnew(count string) error { return runtime.StartAnew(restartEnv, count) }

// spareDescriptors is how many descriptors a launch needs besides those of the
// guest: the program and its configuration, and what Go and the code cache open.
const spareDescriptors = 8

// checkDescriptors refuses to begin when the host would not open
// spareDescriptors more. Go's run-time system ends the process with a trace when
// it cannot have its own, with the first file that package os opens; hence the
// calls to package syscall.
func checkDescriptors() error {
	for n := range spareDescriptors {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return fmt.Errorf("a launch needs %d more descriptors, but only %d can be opened; ulimit -n raises the limit",
				spareDescriptors, n)
		}
		if err == nil {
			defer func() { _ = syscall.Close(fd) }()
		}
	}
	return nil
}
