package runtime

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/gdb"
	"cabitrans/runtime/host"
)

// The methods by which package gdb drives a process.

// Attach implements gdb.Target.
func (d *debugger) Attach() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopAll()
	for !d.ended && (len(d.threads) == 0 || d.running()) {
		d.idle.Wait()
	}
	if d.ended {
		return gdb.ErrEnded
	}
	d.attached, d.execed = true, false
	d.process.time.hold()
	return nil
}

// Detach implements gdb.Target.
func (d *debugger) Detach() {
	d.mu.Lock()
	d.points = nil
	d.mu.Unlock()
	_ = d.watch() // of nothing
	d.arm()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attached, d.stopping = false, false
	d.process.time.goOn()
	for _, t := range d.threads {
		s := t.told
		if s == nil {
			s = t.event
		}
		var r engine.Resume
		if s != nil && t.parked {
			r.Deliver = s.Kind == engine.StopSignal // a fault happens again
		}
		t.goOn(r, 0, 0)
	}
}

// goOn ends a thread's parking.
func (t *debugThread) goOn(r engine.Resume, lo, hi uint64) {
	t.resume, t.lo, t.hi, t.event, t.told = r, lo, hi, nil, nil
	if t.parked {
		t.parked = false
		t.wake <- struct{}{}
	}
}

// Kill implements gdb.Target.
func (d *debugger) Kill() { d.process.Kill() }

// Program implements gdb.Target.
func (d *debugger) Program() gdb.Program {
	p := d.process
	g := gdb.Program{
		PID: os.Getpid(), Created: d.created, File: p.program.exe, Size: p.program.size,
		Base: p.plan.Base, Entry: p.plan.Entry, Phdr: p.plan.Phdr, Phnum: p.program.image.Phnum,
	}
	if p.program.exeFD >= 0 {
		g.Path = host.NameFD(p.program.exeFD)
	}
	g.XState.AVX, g.XState.Opmask, g.XState.ZMMHi, g.XState.ZMM16 = engine.XState()
	return g
}

// Threads implements gdb.Target.
func (d *debugger) Threads() (ids []gdb.ThreadID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.threads {
		ids = append(ids, t.id)
	}
	return ids
}

// find returns the thread of that identifier.
func (d *debugger) find(id gdb.ThreadID) (*debugThread, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.threads {
		if t.id == id && t.parked {
			return t, nil
		}
	}
	return nil, fmt.Errorf("no thread %v", id)
}

// ThreadName implements gdb.Target.
func (d *debugger) ThreadName(id gdb.ThreadID) string {
	t, err := d.find(id)
	switch {
	case err != nil:
		return "ended"
	case !t.inCall:
		return "in its code"
	}
	if c := t.engine.Calling(); c < abi.NumCalls {
		return "in " + c.String()
	}
	return "in a system call"
}

// Registers implements gdb.Target.
func (d *debugger) Registers(id gdb.ThreadID) (*gdb.Registers, error) {
	t, err := d.find(id)
	if err != nil {
		return nil, err
	}
	r := t.engine.Registers()
	out := &gdb.Registers{
		General: r.Regs, RIP: r.RIP, Flags: r.Flags, FSBase: r.FSBase, GSBase: r.GSBase,
		CS: r.CS, SS: r.SS, FS: r.FS, GS: r.GS, XSave: slices.Clone(r.XSave),
	}
	out.Where.AVX, out.Where.Opmask, out.Where.ZMMHi, out.Where.ZMM16 = engine.XState()
	return out, nil
}

// SetRegisters implements gdb.Target.
func (d *debugger) SetRegisters(id gdb.ThreadID, r *gdb.Registers) error {
	t, err := d.find(id)
	switch {
	case err != nil:
		return err
	case t.inCall:
		return gdb.ErrInCall
	}
	t.engine.SetRegisters(&engine.Registers{
		Regs: r.General, RIP: r.RIP, Flags: r.Flags, FSBase: r.FSBase, GSBase: r.GSBase, XSave: r.XSave,
	})
	return nil
}

// Resume implements gdb.Target.
func (d *debugger) Resume(actions []gdb.Action) error {
	for _, a := range actions {
		if !a.Step {
			d.arm()
			break
		}
	}
	for _, a := range actions {
		if err := d.signal(a); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return gdb.ErrEnded
	}
	d.resumed = true
	d.process.time.goOn()
	if d.ending() {
		return nil // what follows is the end
	}
	of := func(t *debugThread) *gdb.Action {
		for i := range actions {
			if actions[i].Thread == t.id {
				return &actions[i]
			}
		}
		return nil
	}
	for _, t := range d.threads {
		t.going = of(t) != nil
	}
	// Something may have happened already, to a thread that was not the first.
	for _, t := range d.threads {
		if a := of(t); t.event != nil && a != nil && !t.outdated(a) {
			d.report()
			return nil
		}
	}
	d.stopping = false
	for _, t := range d.threads {
		if a := of(t); a != nil {
			deliver := t.told != nil && a.Signal != 0 && a.Signal == d.stop(t, t.told).Signal
			t.goOn(engine.Resume{Step: a.Step, Deliver: deliver}, a.Lo, a.Hi)
		}
	}
	if !d.running() && !d.ending() {
		d.report()
	}
	return nil
}

// outdated reports whether what a thread has come to does not count any more, and then
// forgets it: the debugger has moved it elsewhere, removed the breakpoint or watchpoint, or
// has no use for the step any more.
func (t *debugThread) outdated(a *gdb.Action) bool {
	s := t.event
	old := s.Kind == engine.StopWatch && t.debugger.watched(s.Addr) == nil
	if s.Fault != nil {
		at := s.Fault.RIP
		switch old = old || t.engine.Registers().RIP != at; s.Kind {
		case engine.StopBreak:
			old = old || !t.debugger.breakpoint(at)
		case engine.StopStep:
			old = old || !a.Step || a.Lo <= at && at < a.Hi
		}
	}
	if old {
		t.event = nil
	}
	return old
}

// signal sends the process the signal of an action, unless that is what the thread has
// stopped for.
func (d *debugger) signal(a gdb.Action) error {
	if a.Signal == 0 {
		return nil
	}
	t, err := d.find(a.Thread)
	if err != nil {
		return err
	}
	if t.told != nil && d.stop(t, t.told).Signal == a.Signal {
		return nil
	}
	switch a.Signal {
	case gdb.SIGCHLD, gdb.SIGPIPE, gdb.SIGURG, gdb.SIGCONT:
		return nil // no process minds them
	case gdb.SIGSTOP, gdb.SIGTSTP, gdb.SIGTTIN, gdb.SIGTTOU:
		return fmt.Errorf("signal %d stops a process, which is stopped", a.Signal)
	}
	n := slices.Index(debugSignal[:], a.Signal)
	if n <= 0 {
		return fmt.Errorf("the program knows no signal that gdb numbers %d", a.Signal)
	}
	t.kernel.Process().Kill(abi.Signal(n))
	return nil
}

// Interrupt implements gdb.Target.
func (d *debugger) Interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.resumed {
		d.interrupted = true
		d.stopAll()
		d.settle()
	}
}

// Stops implements gdb.Target.
func (d *debugger) Stops() <-chan gdb.Stop { return d.stops }

// signalInfo is a fault as a siginfo_t of Linux (include/uapi/asm-generic/siginfo.h).
func (p *Process) signalInfo(f *engine.Fault) []byte {
	const (
		size              = 128
		fromKernel        = 0x80
		noMapping, denied = 1, 2
	)
	b := make([]byte, size)
	le := binary.LittleEndian
	le.PutUint32(b, uint32(f.Signal))
	code := uint32(fromKernel)
	if f.HasAddr {
		code = noMapping
		if p.mem.Check(f.Addr, 1, false) == nil {
			code = denied
		}
		le.PutUint64(b[16:], f.Addr)
	}
	le.PutUint32(b[8:], code)
	return b
}
