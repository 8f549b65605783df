package argdata

import (
	"net"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A SocketType is the type attribute of !socket.
type SocketType int

// Types of sockets. The zero SocketType is the default.
const (
	SocketStream SocketType = iota
	SocketDgram
	SocketSeqpacket
)

// socketTypes are the types as written.
var socketTypes = map[string]SocketType{"stream": SocketStream, "dgram": SocketDgram, "seqpacket": SocketSeqpacket}

// A Socket is what a GrantSocket asks for: one that is bound to an address, and
// listens if its type has connections, or one that is connected to it.
type Socket struct {
	Type    SocketType
	Connect bool
	Path    string // an absolute path of the host, without zero bytes; or else
	Host    string // a name or an address, not empty, and
	Port    string // a number or a service's name, not empty
}

// socket grants a socket of its own for every mention. The reference runner had
// this tag until 2017-08.
func (b *builder) socket(n *yaml.Node) (FD, error) {
	g := Grant{Kind: GrantSocket, Pos: b.src.place(n)}
	given, err := b.attributes(n, "!socket", "bind or connect", "bind, connect or type",
		func(name string, key, n *yaml.Node, v Value) error {
			return b.socketAttribute(&g.Socket, key, n, name, v)
		})
	if err != nil {
		return 0, err
	}
	switch {
	case given["bind"] == nil && given["connect"] == nil:
		return 0, b.errorf(n, "!socket lacks an address: add the attribute bind or connect")
	case given["bind"] != nil && given["connect"] != nil:
		return 0, b.errorf(given["connect"], "a !socket is bound or connected, not both: remove one of the two")
	case g.Socket.Type == SocketSeqpacket && g.Socket.Path == "":
		return 0, b.errorf(given["type"], "sockets of sequenced packets are local only: "+
			"give a path that begins with a slash, or choose another type")
	}
	return b.add(g), nil
}

func (b *builder) socketAttribute(s *Socket, key, n *yaml.Node, name string, v Value) error {
	text, ok := v.(String)
	switch name {
	case "type":
		if s.Type, ok = socketTypes[string(text)]; !ok {
			return b.errorf(n, "the type of a !socket is not known: write stream, dgram or seqpacket")
		}
		return nil
	case "bind", "connect":
		if !ok {
			return b.errorf(n, "the address of a !socket must be a string: put it in quotes")
		}
		s.Connect = name == "connect"
		return b.socketAddress(s, n, string(text))
	}
	return b.errorf(key, "!socket has no attribute %q: bind, connect and type are known", clip(name))
}

// socketAddress splits an address as the reference runner did: a path begins with a
// slash, anything else is HOST:PORT.
func (b *builder) socketAddress(s *Socket, n *yaml.Node, text string) (err error) {
	if strings.ContainsRune(text, 0) {
		return b.errorf(n, "the address of a !socket must not hold a zero byte: remove it")
	}
	if strings.HasPrefix(text, "/") {
		s.Path = text
		return nil
	}
	if s.Host, s.Port, err = net.SplitHostPort(text); err != nil || s.Host == "" || s.Port == "" {
		return b.errorf(n, `%q is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`, clip(text))
	}
	return nil
}
