package gdb

import (
	"fmt"
	"strings"
)

// query answers packets that begin with q or Q.
func (s *session) query(p string) ([]byte, error) {
	name, rest, _ := strings.Cut(p, ":")
	switch name {
	case "qSupported":
		s.supports(rest)
		return fmt.Appendf(nil, "PacketSize=%x;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;exec-events+;"+
			"no-resumed+;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+;qXfer:threads:read+;"+
			"qXfer:libraries-svr4:read+;qXfer:siginfo:read+", maxPacket-8), nil
	case "qXfer":
		return s.transfer(rest)
	case "qC":
		return fmt.Appendf(nil, "QC%v", s.current()), nil
	case "qfThreadInfo":
		b := []byte{'m'}
		for i, id := range s.target.Threads() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, id.String()...)
		}
		return b, nil
	case "qsThreadInfo":
		return []byte{'l'}, nil
	case "qAttached":
		if s.program.Created {
			return []byte{'0'}, nil
		}
		return []byte{'1'}, nil
	case "qOffsets":
		return fmt.Appendf(nil, "Text=%x;Data=%x;Bss=%x", s.program.Base, s.program.Base, s.program.Base), nil
	case "qSymbol":
		return okay, nil // no symbol is wanted
	case "qGetTLSAddr":
		return s.tls(rest)
	case "qHostInfo":
		s.lldb = true // nobody else asks
		return fmt.Appendf(nil, "triple:%s;endian:little;ptrsize:8;", hexString("x86_64-unknown-linux")), nil
	case "qProcessInfo":
		return fmt.Appendf(nil, "pid:%x;triple:%s;ostype:linux;endian:little;ptrsize:8;",
			s.program.PID, hexString("x86_64-unknown-linux")), nil
	}
	if who, ok := strings.CutPrefix(p, "qThreadExtraInfo,"); ok {
		id, ok := parseThread(who)
		if !ok || !s.alive(id) {
			return nil, fmt.Errorf("no thread %s", who)
		}
		return appendHex(nil, []byte(s.target.ThreadName(id))), nil
	}
	return nil, nil
}

// supports notes what the debugger knows.
func (s *session) supports(features string) {
	for _, f := range strings.Split(features, ";") {
		switch f {
		case "swbreak+":
			s.swbreak = true
		case "hwbreak+":
			s.hwbreak = true
		case "exec-events+":
			s.execEvents = true
		case "no-resumed+":
			s.noResumed = true
		}
	}
}

// tls is "thread,offset,module"; there is one module.
func (s *session) tls(p string) ([]byte, error) {
	f := strings.Split(p, ",")
	if len(f) != 3 {
		return nil, errPacket
	}
	id, ok1 := parseThread(f[0])
	offset, ok2 := parseHex(f[1])
	if !ok1 || !ok2 {
		return nil, errPacket
	}
	addr, err := s.target.TLSAddress(id, offset)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%x", addr), nil
}

// named answers packets that begin with v, but for those that let the process run.
func (s *session) named(p string) ([]byte, error) {
	switch {
	case p == "vCont?":
		return []byte("vCont;c;C;s;S;r"), nil
	case strings.HasPrefix(p, "vFile:"):
		return s.file(p[len("vFile:"):])
	}
	return nil, nil
}

// transfer reads a part of an object: "object:read:annex:offset,length".
func (s *session) transfer(p string) ([]byte, error) {
	f := strings.SplitN(p, ":", 4)
	if len(f) != 4 || f[1] != "read" {
		return nil, nil
	}
	offset, n, ok := parseRange(f[3])
	if !ok {
		return nil, errPacket
	}
	var data []byte
	switch f[0] {
	case "features":
		if f[2] != "target.xml" {
			return []byte("E00"), nil
		}
		data = []byte(s.layout.xml())
	case "auxv":
		data = s.program.auxv()
	case "exec-file":
		if s.program.Path == "" {
			return nil, fmt.Errorf("the program has no file")
		}
		data = []byte(s.program.Path)
	case "threads":
		data = s.threadsXML()
	case "libraries-svr4":
		data = s.librariesXML()
	case "siginfo":
		if data = s.stop.Info; data == nil || s.current() != s.stop.Thread {
			return nil, fmt.Errorf("the thread has no signal")
		}
	default:
		return nil, nil
	}
	if offset > uint64(len(data)) {
		return nil, errPacket
	}
	data = data[offset:]
	if n = min(n, maxPacket/2); n < uint64(len(data)) {
		return append([]byte{'m'}, data[:n]...), nil
	}
	return append([]byte{'l'}, data...), nil
}

// threadsXML lists threads with their names.
func (s *session) threadsXML() []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<threads>\n")
	for _, id := range s.target.Threads() {
		fmt.Fprintf(&b, "<thread id=\"%v\">%s</thread>\n", id, xmlText.Replace(s.target.ThreadName(id)))
	}
	b.WriteString("</threads>\n")
	return []byte(b.String())
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;")

// librariesXML lists no library, but says that the program itself has a link map: without
// one, gdb looks for no thread-local variable.
func (s *session) librariesXML() []byte {
	return fmt.Appendf(nil, "<library-list-svr4 version=\"1.0\" main-lm=\"0x%x\"/>", s.program.Base|1)
}
