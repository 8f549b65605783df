package main

import (
	"io"
	"syscall"
)

// netSocket is what every socket of package net can do.
type netSocket interface {
	io.Closer
	SyscallConn() (syscall.RawConn, error)
}

// takeSocket returns the handle of a socket of package net, which stays its owner: on
// Windows it gives no duplicate.
func takeSocket(s netSocket) (fd int, owner io.Closer, err error) {
	raw, err := s.SyscallConn()
	if err == nil {
		err = raw.Control(func(h uintptr) { fd = int(h) })
	}
	if err != nil {
		_ = s.Close()
		return -1, nil, err
	}
	return fd, s, nil
}
