package gdb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errPacket is the answer to a packet that cannot be read.
var errPacket = errors.New("the packet is malformed")

// answer is the answer to a packet that lets nothing run. An empty one says that the
// packet is not known.
func (s *session) answer(p string) []byte {
	b, err := s.do(p)
	if err != nil {
		return errorText(err)
	}
	return b
}

func (s *session) do(p string) ([]byte, error) {
	rest := p[1:]
	switch p[0] {
	case '?':
		return s.stopReply(s.stop), nil
	case '!': // extended mode: there is nothing that could be started
		return nil, nil
	case 'H':
		return s.selectThread(rest)
	case 'T':
		id, ok := parseThread(rest)
		if !ok || !s.alive(id) {
			return nil, fmt.Errorf("no thread %s", rest)
		}
		return okay, nil
	case 'g', 'G', 'p', 'P':
		return s.registers(p)
	case 'm', 'x':
		return s.read(p[0], rest)
	case 'M', 'X':
		return s.write(p[0], rest)
	case 'Z', 'z':
		return s.point(p[0] == 'Z', rest)
	case 'q', 'Q':
		return s.query(p)
	case 'v':
		return s.named(p)
	}
	return nil, nil
}

// alive reports whether there is a thread id.
func (s *session) alive(id ThreadID) bool {
	for _, t := range s.target.Threads() {
		if t == id {
			return true
		}
	}
	return false
}

// selectThread is Hg and Hc: which thread later packets mean.
func (s *session) selectThread(p string) ([]byte, error) {
	if p == "" {
		return nil, errPacket
	}
	id, ok := parseThread(p[1:])
	if !ok {
		return nil, errPacket
	}
	if id != anyThread && id != allThreads && !s.alive(id) {
		return nil, fmt.Errorf("no thread %v", id)
	}
	switch p[0] {
	case 'c':
		s.moving = id
	case 'g':
		if id == anyThread || id == allThreads {
			id = s.current()
		}
		s.general = id
	default:
		return nil, nil
	}
	return okay, nil
}

// current is a thread to be meant when none was named.
func (s *session) current() ThreadID {
	if s.alive(s.general) {
		return s.general
	}
	return s.first()
}

// registers reads and writes them, all or one.
func (s *session) registers(p string) ([]byte, error) {
	r, err := s.target.Registers(s.current())
	if err != nil {
		return nil, err
	}
	if p[0] == 'g' {
		return appendHex(nil, s.layout.pack(r)), nil
	}
	if p[0] == 'G' {
		b, ok := parseBytes(p[1:])
		if !ok {
			return nil, errPacket
		}
		if err := s.layout.apply(r, b); err != nil {
			return nil, err
		}
		return s.changed(r)
	}
	number, value, _ := strings.Cut(p[1:], "=")
	n, ok := parseHex(number)
	if !ok {
		return nil, errPacket
	}
	if n >= uint64(len(s.layout.registers)) {
		return nil, fmt.Errorf("no register %#x", n)
	}
	if p[0] == 'p' {
		return appendHex(nil, s.layout.get(r, int(n))), nil
	}
	b, ok := parseBytes(value)
	if !ok {
		return nil, errPacket
	}
	if string(b) == string(s.layout.get(r, int(n))) {
		return okay, nil
	}
	if err := s.layout.set(r, int(n), b); err != nil {
		return nil, err
	}
	return s.changed(r)
}

func (s *session) changed(r *Registers) ([]byte, error) {
	if err := s.target.SetRegisters(s.current(), r); err != nil {
		return nil, err
	}
	return okay, nil
}

// read reads memory: in digits, or as it is (x).
func (s *session) read(kind byte, p string) ([]byte, error) {
	addr, n, ok := parseRange(p)
	if !ok {
		return nil, errPacket
	}
	b := make([]byte, min(n, maxPacket/2))
	got := s.target.ReadMemory(b, addr)
	if got == 0 && n > 0 {
		return []byte("E0e"), nil // EFAULT; of a read, gdb takes no text
	}
	if kind == 'x' {
		return append([]byte{'b'}, b[:min(got, maxPacket/4)]...), nil
	}
	return appendHex(nil, b[:got]), nil
}

// write writes memory, likewise.
func (s *session) write(kind byte, p string) ([]byte, error) {
	where, data, found := strings.Cut(p, ":")
	addr, n, ok := parseRange(where)
	if !found || !ok {
		return nil, errPacket
	}
	b := []byte(data)
	if kind == 'M' {
		var err error
		if b, err = hex.DecodeString(data); err != nil {
			return nil, errPacket
		}
	}
	if uint64(len(b)) != n {
		return nil, errPacket
	}
	if n > 0 {
		if err := s.target.WriteMemory(addr, b); err != nil {
			return nil, err
		}
	}
	return okay, nil
}

// point sets or clears a breakpoint or watchpoint: "kind,addr,length".
func (s *session) point(set bool, p string) ([]byte, error) {
	kind, where, _ := strings.Cut(p, ",")
	where, _, _ = strings.Cut(where, ";") // conditions and commands were not offered
	k, err := strconv.Atoi(kind)
	addr, n, ok := parseRange(where)
	if err != nil || !ok {
		return nil, errPacket
	}
	if k < int(Breakpoint) || k > int(WatchAccess) {
		return nil, nil
	}
	pt := Point{Kind: PointKind(k), Addr: addr, Len: n}
	if set {
		err = s.target.SetPoint(pt)
	} else {
		err = s.target.ClearPoint(pt)
	}
	if err != nil {
		return nil, err
	}
	return okay, nil
}
