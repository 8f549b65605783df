package runtime

import (
	"net"
	"sync"

	"cabitrans/runtime/engine"
	"cabitrans/runtime/gdb"
	"cabitrans/runtime/kernel"
)

// A Debug lets a debugger that speaks gdb's remote protocol drive the process, and what
// it becomes by proc_exec; its forked processes are not followed.
type Debug struct {
	// Listener is where debuggers connect, one at a time, as often as they like. It is
	// closed when the process has ended.
	Listener net.Listener
	// Wait makes the process wait for the first debugger before its first instruction.
	Wait bool
}

// debugger is the process as a debugger sees it: it implements gdb.Target. Threads stop
// and go on together. A thread that has come to something worth a stop parks (Stopped,
// debug_stop.go); the first one to do so has all others kicked, and the last to park
// reports the stop.
//
// Lock order: Process.mu, debugger.mu. Nothing is called with debugger.mu held but kicks and
// the stopwatch of Limits.Timeout, which stands while the process does.
type debugger struct {
	process *Process
	created bool
	server  *gdb.Server
	stops   chan gdb.Stop // with room for one

	mu          sync.Mutex
	idle        sync.Cond // no thread runs, or the process has ended
	threads     []*debugThread
	attached    bool
	stopping    bool // every thread is to park
	resumed     bool // a debugger waits for a stop
	interrupted bool // and wants one
	execed      bool // the program is another one since
	ended       bool
	points      []gdb.Point
}

// newDebugger makes what c asks for; nil for nothing.
func newDebugger(p *Process, c *Debug) *debugger {
	if c == nil {
		return nil
	}
	d := &debugger{process: p, created: c.Wait, stopping: c.Wait, stops: make(chan gdb.Stop, 1)}
	d.idle.L = &d.mu
	d.server = gdb.Serve(c.Listener, d)
	return d
}

// enter makes the debugger that of a thread, the calling one, which is about to begin.
func (d *debugger) enter(kt *kernel.Thread, et *engine.Thread) (leave func()) {
	if d == nil {
		return func() {}
	}
	t := &debugThread{
		debugger: d, id: gdb.ThreadID(kt.Tid), engine: et, kernel: kt,
		wake: make(chan struct{}, 1), done: kt.Process().Done(), going: true,
	}
	et.SetDebugger(t)
	watches, _ := d.watches() // those that there are have been set for other threads
	d.mu.Lock()
	d.threads = append(d.threads, t)
	if d.stopping {
		kt.Host.Kick() // it parks before its first instruction
	}
	d.mu.Unlock()
	if len(watches) > 0 {
		_ = kt.Host.SetWatches(watches) // if the host has no more, it is not watched
	}
	return func() { d.leave(t) }
}

// leave forgets a thread that ends.
func (d *debugger) leave(t *debugThread) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, x := range d.threads {
		if x == t {
			d.threads = append(d.threads[:i], d.threads[i+1:]...)
			break
		}
	}
	d.settle()
}

// became notes that the process is about to become another program: no thread exists.
// Breakpoints were those of the old one.
func (d *debugger) became() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.points = nil
	d.execed = d.attached
	if d.resumed {
		d.stopping = true
	}
}

// endDebug tells the debugger how the process has ended.
func (p *Process) endDebug() {
	p.mu.Lock()
	s := p.status
	if p.kernel != nil {
		s, _ = p.kernel.Status()
	}
	p.mu.Unlock()
	p.debug.end(s)
}

// end reports the end of the process, and lets the server go.
func (d *debugger) end(s kernel.ExitStatus) {
	if d == nil {
		return
	}
	d.mu.Lock()
	d.ended, d.resumed = true, false
	stop := gdb.Stop{Kind: gdb.StopExited, Code: uint32(s.Code) & 0xff}
	if s.Signal != 0 {
		stop = gdb.Stop{Kind: gdb.StopKilled, Signal: debugSignal[s.Signal]}
	}
	select {
	case d.stops <- stop:
	default: // the debugger has gone while another stop was on its way
	}
	d.idle.Broadcast()
	d.mu.Unlock()
	_ = d.server.Close() // nobody is left to connect
}
