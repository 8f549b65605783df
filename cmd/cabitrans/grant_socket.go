package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"cabitrans/argdata"
)

// openSocket opens a socket as the reference runner did: one that is to be bound
// listens, if its type has connections. It is in blocking mode, as a program
// expects that has not asked for another.
func openSocket(gr argdata.Grant) (*os.File, error) {
	s := gr.Socket
	network, address, err := socketName(s)
	var f *os.File
	if err == nil {
		f, err = socketFile(s, network, address)
	}
	if err != nil {
		verb := "bind"
		if s.Connect {
			verb = "connect"
		}
		where := s.Path
		if where == "" {
			where = net.JoinHostPort(s.Host, s.Port)
		}
		return nil, gr.Pos.Errorf("cannot %s a socket to %s: %v", verb, where, socketReason(err))
	}
	return f, nil
}

// socketName returns the network and the address as package net has them. A host's
// name must stand for one address: which one is meant could not be told.
func socketName(s argdata.Socket) (network, address string, err error) {
	if s.Path != "" {
		network = map[argdata.SocketType]string{argdata.SocketStream: "unix", argdata.SocketDgram: "unixgram",
			argdata.SocketSeqpacket: "unixpacket"}[s.Type]
		return network, s.Path, nil
	}
	network = "tcp"
	if s.Type == argdata.SocketDgram {
		network = "udp"
	}
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", s.Host)
	if err != nil {
		return "", "", err
	}
	if len(ips) != 1 {
		return "", "", fmt.Errorf("the name stands for %d addresses: write the one that is meant", len(ips))
	}
	port, err := net.LookupPort(network, s.Port)
	if err != nil {
		return "", "", err
	}
	ip := ips[0].Unmap()
	switch {
	case ip.Is4():
		network += "4"
	case !ip.IsUnspecified(): // "::" is bound for both versions, as the host does by default
		network += "6"
	}
	return network, net.JoinHostPort(ip.String(), fmt.Sprint(port)), nil
}

// fileSocket is what every socket of package net can do.
type fileSocket interface {
	File() (*os.File, error)
	Close() error
}

// socketFile opens the socket and takes it out of the hands of package net.
func socketFile(s argdata.Socket, network, address string) (*os.File, error) {
	var c fileSocket
	switch {
	case s.Connect:
		d := new(net.Dialer)
		d.SetMultipathTCP(false)
		conn, err := d.Dial(network, address)
		if err != nil {
			return nil, err
		}
		c = conn.(fileSocket)
	case s.Type == argdata.SocketDgram:
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			return nil, err
		}
		c = conn.(fileSocket)
	default:
		lc := new(net.ListenConfig)
		lc.SetMultipathTCP(false)
		l, err := lc.Listen(context.Background(), network, address)
		if err != nil {
			return nil, err
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		c = l.(fileSocket)
	}
	defer func() { _ = c.Close() }() // the duplicate is what counts
	return c.File()
}

// socketReason takes what the sentence says anyway off an error of package net.
func socketReason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return err
}
