package runtime

import (
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/gdb"
	"cabitrans/runtime/kernel"
)

// debugThread is a thread as the debugger has it. Under debugger.mu.
type debugThread struct {
	debugger *debugger
	id       gdb.ThreadID
	engine   *engine.Thread
	kernel   *kernel.Thread
	wake     chan struct{} // with room for one: ends parking
	done     <-chan struct{}

	parked bool
	going  bool         // the debugger has let it go on, and wants to know what it comes to
	inCall bool         // parked in a system call
	event  *engine.Stop // what it has come to, not reported yet
	told   *engine.Stop // reported last, until it goes on
	resume engine.Resume
	lo, hi uint64 // goes on stepping while in there
}

// Stopped parks the thread, the calling one, if there is reason to, until it is to go
// on. It implements engine.Debugger.
func (t *debugThread) Stopped(_ *engine.Thread, s engine.Stop) engine.Resume {
	d := t.debugger
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case s.Kind == engine.StopKick && !d.stopping:
		return t.resume
	case !d.attached && !d.stopping:
		return unattended(s)
	case t.passes(s):
		return t.resume
	}
	if s.Kind != engine.StopKick {
		t.event = &s
	}
	t.parked, t.inCall = true, s.InCall
	d.settle()
	d.mu.Unlock()
	select {
	case <-t.wake:
	case <-t.done:
	}
	d.mu.Lock()
	t.parked = false
	return t.resume
}

// unattended is how a thread goes on when no debugger is there.
func unattended(s engine.Stop) engine.Resume {
	return engine.Resume{Deliver: s.Kind == engine.StopFault || s.Kind == engine.StopSignal}
}

// passes reports whether a thread need not stop: it steps through a range, or the
// breakpoint or watchpoint is gone.
func (t *debugThread) passes(s engine.Stop) bool {
	d := t.debugger
	switch s.Kind {
	case engine.StopStep:
		at := s.Fault.RIP
		return !d.stopping && t.resume.Step && t.lo <= at && at < t.hi && !d.breakpoint(at)
	case engine.StopBreak:
		return !d.breakpoint(s.Fault.RIP)
	case engine.StopWatch:
		return d.watched(s.Addr) == nil
	}
	return false
}

// settle sees to it that all threads park when one has something to report, and reports
// it when all have. The caller holds d.mu.
func (d *debugger) settle() {
	event := slices.ContainsFunc(d.threads, func(t *debugThread) bool { return t.going && t.event != nil })
	if d.resumed && event && !d.stopping {
		d.stopAll()
	}
	if len(d.threads) == 0 || d.running() {
		return
	}
	d.idle.Broadcast()
	if d.resumed && !d.ending() {
		d.report()
	}
}

// running reports whether a thread is not parked.
func (d *debugger) running() bool {
	return slices.ContainsFunc(d.threads, func(t *debugThread) bool { return !t.parked })
}

// stopAll has all threads park.
func (d *debugger) stopAll() {
	d.stopping = true
	for _, t := range d.threads {
		if !t.parked {
			t.kernel.Host.Kick()
		}
	}
}

// ending reports whether the process is about to end, whatever its threads have come to,
// or to become another.
func (d *debugger) ending() bool {
	return len(d.threads) == 0 || d.threads[0].kernel.Process().Exiting()
}

// report delivers the stop that the debugger waits for. No thread runs.
func (d *debugger) report() {
	d.resumed, d.stopping = false, true
	d.process.time.hold()
	d.stops <- d.choose()
}

// choose is what there is to report.
func (d *debugger) choose() gdb.Stop {
	first := d.threads[0].id
	if d.execed {
		d.execed, d.interrupted = false, false
		return gdb.Stop{Kind: gdb.StopExec, Thread: first, Signal: gdb.SIGTRAP}
	}
	if t := d.pending(); t != nil {
		t.told, t.event = t.event, nil
		return d.stop(t, t.told)
	}
	if d.interrupted {
		d.interrupted = false
		return gdb.Stop{Thread: first, Signal: gdb.SIGINT}
	}
	return gdb.Stop{Kind: gdb.StopNoResumed, Thread: first, Signal: 0}
}

// pending is a thread that has something to report: one that has finished a step last,
// for it may have been stopped by another's breakpoint just then. What a thread has come to
// that is not to go on is for later: gdb, which lets one step over a breakpoint where
// another waits, does not expect it.
func (d *debugger) pending() (found *debugThread) {
	for _, t := range d.threads {
		if t.going && t.event != nil && (found == nil || found.event.Kind == engine.StopStep) {
			found = t
		}
	}
	return found
}

// stop is what a thread has come to, in terms of the protocol.
func (d *debugger) stop(t *debugThread, s *engine.Stop) gdb.Stop {
	out := gdb.Stop{Thread: t.id, Signal: gdb.SIGTRAP}
	switch s.Kind {
	case engine.StopBreak:
		out.Kind = gdb.StopBreak
	case engine.StopWatch:
		if p := d.watched(s.Addr); p != nil {
			out.Addr, out.Kind = p.Addr, gdb.StopWatch
			if p.Kind == gdb.WatchAccess {
				out.Kind = gdb.StopAccess
			}
		}
	case engine.StopSignal:
		out.Signal = debugSignal[s.Signal]
	case engine.StopFault:
		out.Signal = debugSignal[guestSignal(s.Fault.Signal)]
		out.Info = d.process.signalInfo(s.Fault)
	}
	return out
}

// debugSignal is gdb's number of each signal.
var debugSignal = [...]int{
	abi.SIGABRT: gdb.SIGABRT, abi.SIGALRM: gdb.SIGALRM, abi.SIGBUS: gdb.SIGBUS, abi.SIGCHLD: gdb.SIGCHLD,
	abi.SIGCONT: gdb.SIGCONT, abi.SIGFPE: gdb.SIGFPE, abi.SIGHUP: gdb.SIGHUP, abi.SIGILL: gdb.SIGILL,
	abi.SIGINT: gdb.SIGINT, abi.SIGKILL: gdb.SIGKILL, abi.SIGPIPE: gdb.SIGPIPE, abi.SIGQUIT: gdb.SIGQUIT,
	abi.SIGSEGV: gdb.SIGSEGV, abi.SIGSTOP: gdb.SIGSTOP, abi.SIGSYS: gdb.SIGSYS, abi.SIGTERM: gdb.SIGTERM,
	abi.SIGTRAP: gdb.SIGTRAP, abi.SIGTSTP: gdb.SIGTSTP, abi.SIGTTIN: gdb.SIGTTIN, abi.SIGTTOU: gdb.SIGTTOU,
	abi.SIGURG: gdb.SIGURG, abi.SIGUSR1: gdb.SIGUSR1, abi.SIGUSR2: gdb.SIGUSR2, abi.SIGVTALRM: gdb.SIGVTALRM,
	abi.SIGXCPU: gdb.SIGXCPU, abi.SIGXFSZ: gdb.SIGXFSZ,
}
