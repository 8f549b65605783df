package gdb

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// A session is one debugger's connection.
type session struct {
	wire   *wire
	target Target
	over   chan struct{} // closed when the server is
	finish func()        // closes it

	layout  *layout
	program Program
	stop    Stop     // the last one
	ended   bool     // the process has
	general ThreadID // of packets g, m and so on; see Hg
	moving  ThreadID // of c and s; see Hc
	open    []*openFile

	// What the debugger has said it knows.
	swbreak, hwbreak, execEvents, noResumed bool
	lldb                                    bool // it is lldb
}

func newSession(c net.Conn, t Target) *session {
	s := &session{wire: newWire(c), target: t, over: make(chan struct{}), moving: anyThread}
	s.finish = sync.OnceFunc(func() { close(s.over) })
	return s
}

// run serves the connection to its end.
func (s *session) run() {
	defer s.wire.close()
	if err := s.target.Attach(); err != nil {
		return
	}
	s.begin(Stop{Kind: StopAttached, Thread: s.first(), Signal: SIGTRAP})
	for !s.ended {
		select {
		case in, ok := <-s.wire.input:
			if !ok { // the debugger has vanished
				s.target.Detach()
				return
			}
			if !s.input(in) {
				return
			}
		case <-s.over:
			if !s.endedMeanwhile() {
				return
			}
		}
	}
	s.afterEnd()
}

// goodbye is how long a process that has ended waits for a debugger to have read so.
const goodbye = 200 * time.Millisecond

// endedMeanwhile notes that somebody else has ended the process, if so.
func (s *session) endedMeanwhile() bool {
	select {
	case stop := <-s.target.Stops():
		s.begin(stop)
	default:
	}
	return s.ended
}

// resuming reports whether a packet lets the process run.
func resuming(p string) bool {
	return p != "" && strings.IndexByte("cCsS", p[0]) >= 0 || strings.HasPrefix(p, "vCont;")
}

// afterEnd answers a debugger that asks once more how the process ended.
func (s *session) afterEnd() {
	over := s.over
	for {
		select {
		case in, ok := <-s.wire.input:
			switch {
			case !ok:
				return
			case in.packet != nil && (string(in.packet) == "?" || resuming(string(in.packet))):
				s.wire.send(s.stopReply(s.stop))
			case in.single == 0:
				s.wire.send(failed)
			}
		case <-over:
			over = nil
			_ = s.wire.conn.SetReadDeadline(time.Now().Add(goodbye))
		}
	}
}

// first is the oldest thread; 0 when the process has just been ended by somebody else.
func (s *session) first() ThreadID {
	if t := s.target.Threads(); len(t) > 0 {
		return t[0]
	}
	return 0
}

// begin notes a stop.
func (s *session) begin(stop Stop) {
	s.stop = stop
	switch stop.Kind {
	case StopExited, StopKilled:
		s.ended = true
		return
	}
	if s.layout == nil || stop.Kind == StopExec {
		s.program = s.target.Program()
		s.layout = newLayout(s.program.XState)
	}
	if stop.Thread != 0 {
		s.general = stop.Thread
	}
}

// input deals with what has come while the process is stopped; false ends the session.
func (s *session) input(in input) bool {
	switch {
	case in.single == '-':
		s.wire.again()
		return true
	case in.single != 0: // an interrupt of what does not run
		return true
	}
	p := string(in.packet)
	if p == "" {
		s.wire.send(nil)
		return true
	}
	switch {
	case p == "D" || strings.HasPrefix(p, "D;"):
		s.target.Detach()
		s.wire.send(okay)
		return false
	case p == "k":
		s.target.Kill()
		return false
	case strings.HasPrefix(p, "vKill"):
		s.target.Kill()
		s.wire.send(okay)
		return false
	case resuming(p):
		return s.resume(p)
	case p == "QStartNoAckMode":
		s.wire.acks.Store(false) // before the debugger can send anything else
		s.wire.send(okay)
		return true
	}
	s.wire.send(s.answer(p))
	return true
}

// resume lets the process go on as a packet asks for, and reports its stop; false when
// the connection has ended meanwhile.
func (s *session) resume(p string) bool {
	actions, err := s.actions(p)
	if err == nil {
		err = s.target.Resume(actions)
	}
	if err != nil && !errors.Is(err, ErrEnded) { // of an end there will be a stop
		s.wire.send(errorText(err))
		return true
	}
	for {
		select {
		case stop := <-s.target.Stops():
			s.report(stop)
			return true
		case in, ok := <-s.wire.input:
			switch {
			case !ok:
				s.vanished()
				return false
			case in.single == interrupt:
				s.target.Interrupt()
			case in.single == '-':
				s.wire.again()
			}
			// A packet that comes now is a mistake of the debugger's.
		case <-s.over:
			if s.endedMeanwhile() {
				s.wire.send(s.stopReply(s.stop))
			}
			return s.ended
		}
	}
}

func (s *session) report(stop Stop) {
	s.begin(stop)
	s.wire.send(s.stopReply(stop))
}

// vanished stops the running process to let it go.
func (s *session) vanished() {
	s.target.Interrupt()
	select {
	case stop := <-s.target.Stops():
		if stop.Kind != StopExited && stop.Kind != StopKilled {
			s.target.Detach()
		}
	case <-s.over:
	}
}

// The simple answers.
var (
	okay   = []byte("OK")
	failed = []byte("E01")
)

// errorText is the answer to a packet that could not be obeyed: a text, as gdb shows it.
func errorText(err error) []byte {
	if errors.Is(err, ErrUnsupported) {
		return nil
	}
	return fmt.Appendf(nil, "E.%v", err)
}

// stopReply is the packet that says why the process stopped.
func (s *session) stopReply(stop Stop) []byte {
	switch stop.Kind {
	case StopExited:
		return fmt.Appendf(nil, "W%02x", stop.Code)
	case StopKilled:
		return fmt.Appendf(nil, "X%02x", stop.Signal)
	case StopNoResumed:
		if s.noResumed {
			return []byte("N")
		}
	}
	b := fmt.Appendf(nil, "T%02x", stop.Signal)
	switch {
	case stop.Kind == StopAttached && s.lldb:
		// It takes a SIGTRAP where it has a breakpoint for that breakpoint's, and it has one at the entry point, behind
		// which it goes on at once. Its own server says SIGSTOP.
		b = fmt.Appendf(nil, "T%02x", SIGSTOP)
	case stop.Kind == StopBreak && s.swbreak:
		b = append(b, "swbreak:;"...)
	case stop.Kind == StopWatch:
		b = fmt.Appendf(b, "watch:%x;", stop.Addr)
	case stop.Kind == StopAccess:
		b = fmt.Appendf(b, "awatch:%x;", stop.Addr)
	case stop.Kind == StopExec && s.execEvents:
		b = fmt.Appendf(b, "exec:%s;", hexString(s.program.Path))
	}
	if r, err := s.target.Registers(stop.Thread); err == nil {
		for _, i := range s.layout.expedited() {
			b = fmt.Appendf(b, "%02x:", i)
			b = append(appendHex(b, s.layout.get(r, i)), ';')
		}
	}
	return fmt.Appendf(b, "thread:%v;", stop.Thread)
}

// expedited are the registers that debuggers want at every stop: rbp, rsp and rip.
func (l *layout) expedited() []int { return []int{6, 7, 16} }
