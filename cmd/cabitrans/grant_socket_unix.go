//go:build !windows

package main

import (
	"io"
	"os"
)

// netSocket is what every socket of package net can do.
type netSocket interface {
	io.Closer
	File() (*os.File, error)
}

// takeSocket makes a socket of package net an ordinary one: a duplicate, in blocking
// mode.
func takeSocket(s netSocket) (fd int, owner io.Closer, err error) {
	defer func() { _ = s.Close() }() // the duplicate is what counts
	f, err := s.File()
	if err != nil {
		return -1, nil, err
	}
	return int(f.Fd()), f, nil
}
