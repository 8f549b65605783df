package engine

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A Debugger stops threads, looks at them, changes them and lets them go on.
type Debugger interface {
	// Stopped is told of everything that a thread comes to, and of each kick: on that
	// thread, outside the guest, with no lock held, its state (Thread.State) at an
	// instruction boundary. The thread goes on when it returns, as the answer says; for
	// as long it belongs to the debugger. The answer to a kick that was for something
	// else is the one it gave last. When the process ends it must return.
	Stopped(t *Thread, s Stop) Resume
}

// A StopKind is why a thread stopped.
type StopKind uint8

// The reasons.
const (
	StopFault  StopKind = iota // an instruction that ends the guest: Stop.Fault
	StopKick                   // a kick, for whatever purpose
	StopStep                   // one instruction has been executed
	StopBreak                  // a breakpoint; RIP is its address
	StopWatch                  // watched memory at Addr was accessed; RIP is behind the instruction
	StopSignal                 // the thread is about to raise a signal by proc_raise
)

// A Stop is what a thread has come to.
type Stop struct {
	Kind   StopKind
	Fault  *Fault
	Addr   uint64
	Signal abi.Signal
	// InCall is set when the thread is in a system call that it makes again when it goes
	// on: registers can be read, not written.
	InCall bool
}

// A Resume says how a thread goes on.
type Resume struct {
	Step    bool // one instruction, or the call that it is in
	Deliver bool // the fault or signal it stopped for takes its course
}

// debugState is the debugger's part of a Thread.
type debugState struct {
	debugger  Debugger // nil for none
	stepping  bool     // a step is wanted, and not done
	finishing bool     // it is done when the system call is
	inCall    bool     // see Stop.InCall
	redo      uint64   // the watched address whose access is carried out again, unwatched
}

// SetDebugger makes d the thread's debugger, before Run.
func (t *Thread) SetDebugger(d Debugger) {
	t.debugger = d
	t.letClocks(false)
}

// Host is the thread's host side.
func (t *Thread) Host() *host.Thread { return t.host }

// SetBreakpoints replaces the addresses before whose instructions threads stop. Guest
// memory stays as it is: translations end there. Threads may be running.
func (e *Engine) SetBreakpoints(addrs []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[uint64]bool, len(addrs))
	same := true
	for _, a := range addrs {
		same = same && e.breaks[a]
		next[a] = true
	}
	if same && len(next) == len(e.breaks) {
		return
	}
	e.flush()
	e.breaks = next
}

// halt gives the thread to the debugger, and notes how it is to go on. It reports
// whether what it stopped for takes its course.
func (t *Thread) halt(s Stop) (deliver bool) {
	t.returned()
	if t.redo != 0 {
		t.host.ResumeWatches()
		t.redo, t.traced = 0, false
	}
	if t.stepping { // it begins again, if it is still wanted
		t.stepping, t.traced = false, false
	}
	if s.InCall = t.inCall; s.InCall && t.left == host.ExitCall {
		t.calling()
	}
	r := t.debugger.Stopped(t, s)
	t.stepping, t.finishing = r.Step, r.Step && t.inCall
	return r.Deliver
}

// attendInCall is attend between two attempts of a system call.
func (t *Thread) attendInCall() bool {
	t.inCall = true
	more := t.attend()
	t.inCall = false
	return more
}

// raises tells the debugger that the thread is about to raise a signal; false if it is
// not to do so.
func (t *Thread) raises(c abi.Call) bool {
	if c != abi.CallProcRaise {
		return true
	}
	t.inCall = true
	deliver := t.halt(Stop{Kind: StopSignal, Signal: abi.Signal(t.block.Args[0])})
	t.inCall = false
	return deliver
}

// debugged tells the debugger what the thread has come to, f or nothing, and begins the
// step that it wants. more is false when the process ends meanwhile; a fault that is
// returned ends the thread.
func (t *Thread) debugged(f *Fault) (more bool, _ *Fault) {
	b := t.block
	for {
		f = t.unwatch(f)
		if f != nil {
			s := Stop{Kind: f.why, Fault: f, Addr: f.Addr}
			if f.why == StopStep && !t.stepping {
				s.Kind = StopFault // the guest's own trap flag
			}
			if deliver := t.halt(s); deliver && s.Kind == StopFault {
				return true, f
			}
			if t.kernel.Process().Exiting() {
				return false, nil
			}
			f = t.toCode(b.RIP, false)
			continue
		}
		switch {
		case !t.stepping || t.traced:
			return true, nil
		case t.finishing:
			t.returned()
			f = t.stepped()
			t.finishing = false
		default:
			t.returned()
			if n, ok := t.engine.vdso.call(b.RIP); ok {
				t.finishing = true
				b.Entry, t.stub = t.engine.slot(b.RIP, n), t.engine.stubs.EnterFull
				return true, nil
			}
			if f = t.traceNext(b.RIP); f == nil {
				return true, nil // it is executed next, or it faults by itself
			}
		}
	}
}

// slot returns the host address of an entry of the vDSO, whatever breakpoint is there.
func (e *Engine) slot(pc uint64, n uint32) uint64 {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.room(e.rw.Hot, minRoom) {
		e.flush()
	}
	return host.CacheLo + uint64(e.translateVDSO(pc, n))
}

// onWatch deals with the trap behind a host instruction that has accessed watched
// memory. If the guest instruction it belongs to is not over, its beginning was taken
// back; it is carried out alone and unwatched, or it would stop there for ever.
func (t *Thread) onWatch() *Fault {
	b := t.block
	addr := b.FaultAddr
	of, ok := t.engine.mark(b.HostPC - 1)
	t.onKick()
	if ok && uint64(of.Guest) == b.RIP {
		t.host.PauseWatches()
		f := t.traceNext(b.RIP)
		t.redo = addr
		return f
	}
	f := t.fault(SigTRAP)
	f.why, f.Addr = StopWatch, addr
	return f
}

// unwatch makes what a thread has come to, f or nothing, a stop for watched memory if it
// has accessed some since.
func (t *Thread) unwatch(f *Fault) *Fault {
	addr := t.block.Watched
	t.block.Watched = 0
	if t.redo != 0 && f != nil {
		t.host.ResumeWatches()
		addr, t.redo = t.redo, 0
	}
	if addr == 0 || f != nil && f.why != StopStep {
		return f
	}
	if f == nil {
		t.returned()
		f = t.fault(SigTRAP)
	}
	f.why, f.Addr = StopWatch, addr
	return f
}
