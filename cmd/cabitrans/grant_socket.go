package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"cabitrans/argdata"
)

// openSocket opens a socket as the reference runner did: one that is to be bound
// listens, if its type has connections. It is in blocking mode, as a program
// expects that has not asked for another. The owner closes it.
func openSocket(gr argdata.Grant) (fd int, owner io.Closer, err error) {
	s := gr.Socket
	network, address, err := socketName(s)
	if err == nil {
		fd, owner, err = socketFile(s, network, address)
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
		return -1, nil, gr.Pos.Errorf("cannot %s a socket to %s: %v", verb, where, socketReason(err))
	}
	return fd, owner, nil
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

// socketFile opens the socket and takes it out of the hands of package net.
func socketFile(s argdata.Socket, network, address string) (fd int, owner io.Closer, err error) {
	switch {
	case s.Connect:
		d := new(net.Dialer)
		d.SetMultipathTCP(false)
		conn, err := d.Dial(network, address)
		if err != nil {
			return -1, nil, err
		}
		return takeSocket(conn.(netSocket))
	case s.Type == argdata.SocketDgram:
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			return -1, nil, err
		}
		return takeSocket(conn.(netSocket))
	}
	lc := new(net.ListenConfig)
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return -1, nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return takeSocket(l.(netSocket))
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
