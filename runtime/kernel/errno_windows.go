package kernel

import "syscall"

// errnoBase is where Go's names for errors of Unix systems begin; below are the host's
// own numbers, which package host converts.
const errnoBase = syscall.APPLICATION_ERROR
