package gdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// An openFile is one that the debugger has opened: the executable.
type openFile struct {
	r    io.ReaderAt
	size int64
}

// Error numbers of the file protocol (gdb manual, E.13.7 Errno Values).
const (
	fileENOENT = 2
	fileEBADF  = 9
	fileEACCES = 13
	fileEINVAL = 22
	fileEMFILE = 24
	fileENOSYS = 88
)

func fileError(n int) ([]byte, error) { return fmt.Appendf(nil, "F-1,%x", n), nil }

// maxOpenFiles bounds those of a session.
const maxOpenFiles = 16

// file answers vFile packets: the executable can be read, and nothing else.
func (s *session) file(p string) ([]byte, error) {
	op, args, _ := strings.Cut(p, ":")
	f := strings.Split(args, ",")
	switch {
	case op == "setfs" && len(f) == 1:
		return []byte("F0"), nil
	case op == "open" && len(f) == 3:
		return s.openFile(f[0], f[1])
	case op == "pread" && len(f) == 3:
		return s.readFile(f)
	case op == "fstat" && len(f) == 1:
		return s.statFile(f[0])
	case op == "close" && len(f) == 1:
		n, ok := s.number(f[0])
		if !ok {
			return fileError(fileEBADF)
		}
		s.open[n] = nil
		return []byte("F0"), nil
	case op == "pwrite", op == "unlink", op == "readlink":
		return fileError(fileENOSYS)
	}
	return nil, nil
}

func (s *session) openFile(name, flags string) ([]byte, error) {
	path, ok := parseBytes(name)
	mode, ok2 := parseHex(flags)
	switch {
	case !ok || !ok2:
		return fileError(fileEINVAL)
	case s.program.File == nil || string(path) != s.program.Path:
		return fileError(fileENOENT)
	case mode != 0: // anything but reading
		return fileError(fileEACCES)
	}
	file := &openFile{s.program.File, s.program.Size}
	for n, f := range s.open {
		if f == nil {
			s.open[n] = file
			return fmt.Appendf(nil, "F%x", n), nil
		}
	}
	if len(s.open) == maxOpenFiles {
		return fileError(fileEMFILE)
	}
	s.open = append(s.open, file)
	return fmt.Appendf(nil, "F%x", len(s.open)-1), nil
}

// number reads the number of an open file.
func (s *session) number(p string) (int, bool) {
	n, ok := parseHex(p)
	if !ok || n >= uint64(len(s.open)) || s.open[n] == nil {
		return 0, false
	}
	return int(n), true
}

func (s *session) readFile(f []string) ([]byte, error) {
	n, ok := s.number(f[0])
	count, ok1 := parseHex(f[1])
	offset, ok2 := parseHex(f[2])
	switch {
	case !ok:
		return fileError(fileEBADF)
	case !ok1 || !ok2 || offset > 1<<62:
		return fileError(fileEINVAL)
	}
	b := make([]byte, min(count, maxPacket/4)) // each byte may need an escape
	got, err := s.open[n].r.ReadAt(b, int64(offset))
	if got == 0 && err != nil && err != io.EOF {
		return fileError(fileEINVAL)
	}
	return append(fmt.Appendf(nil, "F%x;", got), b[:got]...), nil
}

// statFile answers with a struct stat of the protocol: big-endian (gdb manual, E.13.8).
func (s *session) statFile(p string) ([]byte, error) {
	n, ok := s.number(p)
	if !ok {
		return fileError(fileEBADF)
	}
	const regular, size = 0o100555, 64
	st := make([]byte, size)
	be := binary.BigEndian
	be.PutUint32(st[8:], regular)
	be.PutUint32(st[12:], 1) // links
	be.PutUint64(st[28:], uint64(s.open[n].size))
	be.PutUint64(st[36:], 4096)
	be.PutUint64(st[44:], uint64(s.open[n].size+511)/512)
	return append(fmt.Appendf(nil, "F%x;", size), st...), nil
}
