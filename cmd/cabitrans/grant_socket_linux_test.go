package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/argdata"

	"golang.org/x/sys/unix"
)

// grantSocket opens what a configuration's one !socket asks for.
func grantSocket(t *testing.T, attributes string) (*os.File, error) {
	t.Helper()
	c, err := argdata.ParseYAML(strings.NewReader("%TAG ! tag:nuxi.nl,2015:cloudabi/\n---\n!socket { "+attributes+" }\n"), "conf")
	if err != nil {
		t.Fatal(err)
	}
	_, owner, err := openSocket(c.Grants[0])
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { owner.Close() })
	return owner.(*os.File), nil
}

// Sockets of every type are bound and listen, are in blocking mode, and leave their
// name in the file system.
func TestGrantSocketBind(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		attributes, network, address string // to connect with; "" is that of the socket
		domain, typ, accepts         int
	}{
		{"bind: '127.0.0.1:0'", "tcp4", "", unix.AF_INET, unix.SOCK_STREAM, 1},
		{"bind: 'localhost:0', type: dgram", "", "", unix.AF_INET, unix.SOCK_DGRAM, 0},
		{"bind: '[::1]:0'", "tcp6", "", unix.AF_INET6, unix.SOCK_STREAM, 1},
		{"bind: '0.0.0.0:0'", "tcp4", "", unix.AF_INET, unix.SOCK_STREAM, 1},
		{"bind: " + dir + "/stream", "unix", dir + "/stream", unix.AF_UNIX, unix.SOCK_STREAM, 1},
		{"bind: " + dir + "/packets, type: seqpacket", "unixpacket", dir + "/packets", unix.AF_UNIX, unix.SOCK_SEQPACKET, 1},
		{"bind: " + dir + "/datagrams, type: dgram", "unixgram", dir + "/datagrams", unix.AF_UNIX, unix.SOCK_DGRAM, 0},
	} {
		f, err := grantSocket(t, tt.attributes)
		if err != nil {
			if strings.Contains(tt.attributes, "localhost") || tt.domain == unix.AF_INET6 {
				t.Logf("%s: %v: this host may have two addresses of that name, or no IPv6", tt.attributes, err)
				continue
			}
			t.Error(err)
			continue
		}
		fd := int(f.Fd())
		for _, o := range []struct{ option, want int }{
			{unix.SO_DOMAIN, tt.domain}, {unix.SO_TYPE, tt.typ}, {unix.SO_ACCEPTCONN, tt.accepts},
		} {
			if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o.option); got != o.want || err != nil {
				t.Errorf("%s: option %d is %d, %v; want %d", tt.attributes, o.option, got, err, o.want)
			}
		}
		if p, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); p == unix.IPPROTO_MPTCP {
			t.Errorf("%s: it is not plain TCP", tt.attributes)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); flags&unix.O_NONBLOCK != 0 || err != nil {
			t.Errorf("%s: not in blocking mode: %#x, %v", tt.attributes, flags, err)
		}
		if tt.network == "" {
			continue
		}
		if tt.address == "" {
			sa, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			switch sa := sa.(type) {
			case *unix.SockaddrInet4:
				tt.address = fmt.Sprintf("127.0.0.1:%d", sa.Port)
			case *unix.SockaddrInet6:
				tt.address = fmt.Sprintf("[::1]:%d", sa.Port)
			}
		}
		c, err := net.Dial(tt.network, tt.address)
		if err != nil {
			t.Errorf("%s: %v", tt.attributes, err)
			continue
		}
		c.Close()
	}
}

func TestGrantSocketConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := grantSocket(t, "connect: "+path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 9)
	if n, err := unix.Read(int(f.Fd()), b); string(b[:max(n, 0)]) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestGrantSocketErrors(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.Addr().String()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := "/" + strings.Repeat("x", 200)
	for _, tt := range []struct{ attributes, want string }{
		{"bind: '" + at + "'", "cannot bind a socket to " + at + ": address already in use"},
		{"bind: " + path, "cannot bind a socket to " + path + ": address already in use"},
		{"connect: " + path, "cannot connect a socket to " + path + ": connection refused"},
		{"bind: " + long, "cannot bind a socket to " + long + ": invalid argument"},
		{"bind: '127.0.0.1:nosuchservice'", "cannot bind a socket to 127.0.0.1:nosuchservice: "},
		{"bind: '127.0.0.1:70000'", "cannot bind a socket to 127.0.0.1:70000: "},
	} {
		if _, err := grantSocket(t, tt.attributes); err == nil || !strings.HasPrefix(err.Error(), "conf:3:1: "+tt.want) {
			t.Errorf("%s: %v", tt.attributes, err)
		}
	}
}
