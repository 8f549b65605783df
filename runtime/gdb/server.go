package gdb

import (
	"errors"
	"net"
	"sync"
)

// Server lets debuggers connect to a Target.
type Server struct {
	listener net.Listener
	target   Target
	done     chan struct{}

	mu      sync.Mutex
	session *session
	over    bool
}

// Serve accepts connections from l until Close. While one debugger is connected, others
// are turned away.
func Serve(l net.Listener, t Target) *Server {
	s := &Server{listener: l, target: t, done: make(chan struct{})}
	go s.accept()
	return s
}

func (s *Server) accept() {
	defer close(s.done)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // this connection is lost already
		}
		n := newSession(c, s.target)
		if !s.begin(n) {
			n.wire.close()
			continue
		}
		sessions.Go(func() {
			n.run()
			s.end()
		})
	}
}

// Addr is where debuggers connect.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// begin makes n the session; false while there is another one.
func (s *Server) begin(n *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.session != nil {
		return false
	}
	s.session = n
	return true
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = nil
}

// Close ends the server and waits for its session, which ends too: when the target has
// ended, after having said so.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.over = true
	n := s.session
	s.mu.Unlock()
	if n != nil {
		n.finish()
	}
	<-s.done
	return err
}
