//go:build amd64

package host

import (
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// given is an open file description on its way to another process, whose handles it names.
// From then on both have it: offset and flags lie in memory that both map (common).
type given struct {
	Kind                     FileKind
	Read, Write, TTY, Sealed bool
	Handle                   uint64   `json:",omitempty"`
	Bytes                    []byte   `json:",omitempty"` // of Sealed; or a socket's token
	Common                   *handles `json:",omitempty"`
	Process                  *handles `json:",omitempty"`
	End                      *handles `json:",omitempty"`
	Side                     int      // of End
}

// handles are some, of the process that they are given to.
type handles []uint64

// giveHandle duplicates a handle for another process.
func giveHandle(h, to windows.Handle) (uint64, error) {
	var theirs windows.Handle
	err := windows.DuplicateHandle(windows.CurrentProcess(), h, to, &theirs, 0, false, windows.DUPLICATE_SAME_ACCESS)
	return uint64(theirs), errorOf(err)
}

func giveHandles(to windows.Handle, hs ...windows.Handle) (*handles, error) {
	var out handles
	for _, h := range hs {
		n, err := giveHandle(h, to)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return &out, nil
}

// give makes what fd stands for known to another process. What comes to nothing is lost
// with that process. Numbers that are no descriptors of this package are handles.
func give(fd int, to windows.Handle) (g given, err error) {
	if slotOf(fd) < 0 {
		if fd, err = AdoptFD(fd); err != nil {
			return g, err
		}
		defer func() { _ = CloseFD(fd) }()
	}
	f, e := fileOf(fd)
	if e != 0 {
		return g, e
	}
	return f.give(to, false)
}

// give is give of a file. One that is parked goes on from there to a third process.
func (f *file) give(to windows.Handle, parked bool) (g given, err error) {
	g = given{Kind: f.kind, Read: f.read, Write: f.write, TTY: f.tty != nil}
	switch {
	case f.q != nil, f.tm != nil:
		return g, syscall.ENOTSUP
	case f.end != nil:
		s, err := f.end.share()
		if err != nil {
			return g, err
		}
		g.Side = s.side
		if g.End, err = giveHandles(to, s.handles[:]...); err != nil {
			return g, err
		}
	case f.proc != nil:
		p := f.proc
		g.Process, err = giveHandles(to, p.handles[controlSection], p.child, p.job)
		return g, err
	case f.sealed != nil:
		g.Sealed, g.Bytes = true, f.sealed
		return g, nil
	case f.kind.Socket() && !parked:
		pid, err := windows.GetProcessId(to)
		if err != nil {
			return g, errorOf(err)
		}
		if g.Bytes, err = socketToken(f.h, pid); err != nil {
			return g, errorOf(err)
		}
	default:
		// A socket of the system that is parked is one that WSADuplicateSocket cannot give,
		// which has to know who gets it: the providers of Windows keep what they know of a
		// socket with its handle.
		if g.Handle, err = giveHandle(f.h, to); err != nil {
			return g, err
		}
	}
	c, err := f.makeCommon()
	if err != nil {
		return g, err
	}
	g.Common, err = giveHandles(to, c.section, c.mutex)
	return g, err
}

// take makes a file of it.
func (g *given) take() (*file, error) {
	f := &file{kind: g.Kind, read: g.Read, write: g.Write, h: windows.Handle(g.Handle)}
	switch {
	case g.Process != nil:
		return f, f.takeProcess(*g.Process)
	case g.Sealed:
		f.sealed = g.Bytes
		return f, nil
	case g.End != nil:
		s := &sharedEnd{side: g.Side}
		for i, h := range *g.End {
			s.handles[i] = windows.Handle(h)
		}
		if err := s.open(); err != nil {
			return nil, errorOf(err)
		}
		f.end = &endpoint{kind: g.Kind, mu: new(sync.Mutex), shared: s}
	case g.Bytes != nil:
		var err error
		if f.h, err = socketOfToken(g.Bytes); err != nil {
			return nil, errorOf(err)
		}
		if err := setNonblocking(f.h); err != nil {
			return nil, errorOf(err)
		}
	case g.Kind.Socket():
		if err := setNonblocking(f.h); err != nil {
			return nil, errorOf(err)
		}
	}
	if g.TTY {
		f.tty = new(console)
	}
	if g.Common != nil {
		h := *g.Common
		c, err := openCommon(windows.Handle(h[0]), windows.Handle(h[1]))
		if err != nil {
			return nil, err
		}
		f.common.Store(c)
	}
	return f, nil
}

func (f *file) takeProcess(h handles) error {
	f.proc = new(process)
	f.proc.handles[controlSection], f.proc.child, f.proc.job = windows.Handle(h[0]), windows.Handle(h[1]), windows.Handle(h[2])
	return errorOf(f.proc.open())
}
