package main

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// granted holds the host descriptors that the program will get, in order, and
// those of them that this program has no use for itself.
type granted struct {
	fds   []int
	drop  []runtime.Rights // for each, what the program does not get
	files []io.Closer
}

func (g *granted) close() {
	for _, f := range g.files {
		_ = f.Close() // the program has duplicates
	}
}

// openGrants opens what the configuration asks for. Errors name the place in it.
func openGrants(grants []argdata.Grant, exe *os.File) (*granted, error) {
	g := new(granted)
	for _, gr := range grants {
		fd, err := g.open(gr, exe)
		var drop runtime.Rights
		if err == nil {
			drop, err = dropped(gr)
		}
		if err != nil {
			g.close()
			return nil, err
		}
		g.fds, g.drop = append(g.fds, fd), append(g.drop, drop)
	}
	return g, nil
}

func (g *granted) open(gr argdata.Grant, exe *os.File) (int, error) {
	switch gr.Kind {
	case argdata.GrantHostFD:
		// The descriptors that this program has opened for itself are nobody's. But
		// where one of the standard three is missing, Go opens the null device before
		// this program begins, and that is what the guest then gets.
		fd, ok := runtime.Descriptor(gr.HostFD)
		if !ok {
			return -1, gr.Pos.Errorf("descriptor %d is not open in this process: open it before, as in %d<FILE",
				gr.HostFD, gr.HostFD)
		}
		if gr.HostFD > 2 {
			g.files = append(g.files, os.NewFile(uintptr(fd), "granted"))
		}
		return fd, nil
	case argdata.GrantFile:
		f, err := openFile(gr)
		if err != nil {
			return -1, err
		}
		g.files = append(g.files, f)
		return int(f.Fd()), nil
	case argdata.GrantSocket:
		fd, owner, err := openSocket(gr)
		if err != nil {
			return -1, err
		}
		g.files = append(g.files, owner)
		return fd, nil
	case argdata.GrantExecutable:
		return int(exe.Fd()), nil
	}
	return -1, gr.Pos.Errorf("descriptors of kind %d are not built yet", gr.Kind)
}

// reason takes the operation and the path off an error of package os.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
