package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"cabitrans/runtime"
)

// gdbFlags are those of run that let a debugger connect.
type gdbFlags struct {
	address string // empty for none
	nowait  bool
}

func (f *gdbFlags) option() option {
	return option{name: "gdb", value: "ADDRESS[,nowait]", set: f.set,
		help: "let gdb, or another debugger that speaks its protocol, connect to ADDRESS: :PORT, HOST:PORT, or the path " +
			"of a socket to be made. The program waits for it before its first instruction; with nowait it does not"}
}

func (f *gdbFlags) set(s string) error {
	if f.address != "" {
		return errors.New("it was given before")
	}
	address, option, more := strings.Cut(s, ",")
	switch {
	case address == "":
		return errors.New("it is an address: :PORT, HOST:PORT or the path of a socket")
	case more && option != "nowait":
		return fmt.Errorf("an address can be followed by nowait, not by %q", option)
	case !strings.ContainsAny(address, "/:"):
		return fmt.Errorf("%q is neither a port (:%s) nor a path (./%s)", address, address, address)
	}
	f.address, f.nowait = address, more
	return nil
}

// open makes the place where debuggers connect; nil for none.
func (f *gdbFlags) open() (*runtime.Debug, error) {
	if f.address == "" {
		return nil, nil
	}
	network, address := "tcp", f.address
	switch {
	case strings.Contains(address, "/"):
		network = "unix"
	case address[0] == ':':
		address = "127.0.0.1" + address // whoever connects can do everything: nobody from elsewhere
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot wait for a debugger at %s: %w", f.address, listenReason(err))
	}
	return &runtime.Debug{Listener: l, Wait: !f.nowait}, nil
}

// listenReason is err without the name of the call and what else people cannot use.
func listenReason(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return errors.New("another program uses that address, or a file is there")
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// announce says where debuggers can connect, in the words that gdb wants.
func (f *gdbFlags) announce(w io.Writer, d *runtime.Debug) {
	if d == nil {
		return
	}
	what := "waiting"
	if f.nowait {
		what = "listening"
	}
	fmt.Fprintf(w, "cabitrans: %s for a debugger: target remote %s\n", what, d.Listener.Addr())
}
