package engine

import (
	"encoding/binary"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
)

// A Thread runs one guest thread on the operating-system thread that its host
// side is bound to.
type Thread struct {
	engine   *Engine
	host     *host.Thread
	block    *host.Block
	kernel   *kernel.Thread
	calls    []abi.Call // the call of each vDSO slot
	stub     uint64     // through which the guest is entered next
	ended    *Fault     // what ended the thread, if it was a fault
	from     origin     // where it comes from
	homeward bool       // alone, and comes from home
	alone    bool       // the next instruction is translated by itself: see single.go
	other    bool       // the guest is to be left by serve, whatever it is left for: see server
	traced   bool       // the instruction at tracedPC is the thread's last: see trace.go
	shadow   bool       // and loads %ss: the next one is
	tracedPC uint64
	stats    ThreadStats

	sampler    Sampler // nil for none
	debugState         // see debug.go
	blockState         // see blocks.go
	left       uint32  // why the guest was left last, never ExitAbort: see place
	number     uint64  // of the raw system call made last
}

// Start is the state in which a thread begins: everything else is zero or as the
// ABI sets it.
type Start struct {
	RIP, RSP, RDI, RSI uint64
}

// NewThread makes the calling goroutine's host thread run a guest thread. calls
// names the system call of each vDSO slot.
func (e *Engine) NewThread(ht *host.Thread, kt *kernel.Thread, calls []abi.Call, s Start) *Thread {
	t := &Thread{engine: e, host: ht, block: ht.Block(), kernel: kt, calls: calls, stub: e.stubs.EnterFull}
	b := t.block
	b.Spill[rewrite.GSBaseSpill], b.Selectors = 0, [2]uint16{}
	b.RIP, b.Flags = s.RIP, initialFlags
	setBase(b, ht.FSWord)
	b.Regs[decode.RSP], b.Regs[decode.RDI], b.Regs[decode.RSI] = s.RSP, s.RDI, s.RSI
	// An empty XSAVE area loads the initial state of every component, except for
	// MXCSR, which is always taken from it.
	binary.LittleEndian.PutUint32(ht.XSave()[24:], host.DefaultMXCSR)
	t.letClocks(!kt.Process().Traced())
	t.beginBlocks()
	e.threadsMu.Lock()
	e.threads[t] = struct{}{}
	e.threadsMu.Unlock()
	return t
}

// Close ends the thread for the engine.
func (t *Thread) Close() {
	e := t.engine
	t.endBlocks()
	e.threadsMu.Lock()
	delete(e.threads, t)
	e.ended.add(&t.stats)
	e.threadsMu.Unlock()
}

// Run executes the thread until it or its process ends. A fault is returned with
// the guest's state; it is nil when a system call or a kick ended the thread.
func (t *Thread) Run() *Fault {
	f := t.begin(t.block.RIP)
	if t.debugger != nil {
		var more bool
		if more, f = t.debugged(f); !more {
			return nil
		}
	}
	if f != nil {
		return f
	}
	t.stats.Switches++
	t.host.Run(t.stub, t.server())
	return t.ended
}

// begin is toCode for a thread that has not been in the guest.
func (t *Thread) begin(pc uint64) *Fault {
	t.from = origin{home: true}
	return t.toCode(pc, false)
}

// server returns serve, with most calls through the vDSO served in the function itself: what
// a round trip costs is, but for the scheduler's locked instructions, the number of its instructions.
// So it leaves alone what serve has left as it must be at the first of several calls in a row.
//
//go:noinline
func (t *Thread) server() func() (stub uint64) {
	call, calls := t.kernel.Caller(), t.oftenCalled()
	t.other = true
	return func() (stub uint64) {
		b := t.block
		c := calls[uint8(b.ExitArg)]
		if t.other || b.Exit != host.ExitCall || c == abi.NumCalls {
			return t.serve()
		}
		t.stats.Exits[host.ExitCall]++
		_, _, o := call(t.kernel, c, &b.Args)
		if o.Action != kernel.ActionContinue {
			if !t.restartCall(c, o) {
				t.ended = nil
				return 0
			}
		} else {
			t.block.Result = uint64(o.Errno)
		}
		t.stats.Switches++
		t.block.Entry = t.engine.vdsoReturn()
		return t.stub
	}
}

// oftenCalled has the system call of each vDSO slot that server may serve itself, and else
// abi.NumCalls: for calls with arguments on the stack.
func (t *Thread) oftenCalled() *[256]abi.Call {
	calls := new([256]abi.Call)
	for i := range calls {
		if calls[i] = abi.NumCalls; i < len(t.calls) && machineArgs[t.calls[i]] <= 6 {
			calls[i] = t.calls[i]
		}
	}
	return calls
}

// serve deals with the reason for which the guest was left, and returns the stub
// through which it goes on; 0 when the thread ends, with the fault in ended.
func (t *Thread) serve() (stub uint64) {
	b := t.block
	t.stats.Exits[b.Exit&15]++
	t.other = b.Exit != host.ExitCall || t.debugger != nil || t.traced
	more, f, traced := true, (*Fault)(nil), t.traced
	t.from = t.origin()
	if b.Exit != host.ExitAbort {
		t.site = nil
		t.alone, t.homeward = false, false // it has been in the guest
		t.left = b.Exit
	}
	switch b.Exit {
	case host.ExitCall:
		more = t.vdsoCall()
	case host.ExitSyscall:
		if more = t.rawCall(); more {
			f = t.toNext()
		}
	case host.ExitLink:
		f = t.onLink()
	case host.ExitFault:
		f = t.onFault()
	case host.ExitTrap:
		pc := b.RIP
		f = t.onTrap(rewrite.TrapKind(b.ExitArg))
		t.raised(f, pc)
	case host.ExitKick:
		t.onKick()
		if more = t.attend(); more {
			f = t.toCode(b.RIP, false)
		}
	case host.ExitAbort:
		if !t.host.Kicked() {
			f = t.strayed() // into the stub that only kicks lead to
			break
		}
		t.siteDropped()
		if more = t.attend(); more && t.stub == t.engine.stubs.EnterFull {
			f = t.toCode(b.RIP, false)
		}
	case host.ExitNone: // none that was meant, see below
		t.host.Settled()
		f = t.strayed()
	default:
		panic("engine: unknown exit")
	}
	if traced && t.traced && more && f == nil {
		f = t.endTrace(b.Exit)
	}
	if t.debugger != nil && more {
		more, f = t.debugged(f)
	}
	if !more || f != nil {
		t.ended = f
		return 0
	}
	t.stats.Switches++
	b.Exit = host.ExitNone // a wild jump behind what stores it is found out
	return t.stub
}

// origin is where the thread has left the guest.
func (t *Thread) origin() (from origin) {
	switch b := t.block; b.Exit {
	case host.ExitFault, host.ExitKick:
		from.home = inArena(b.HostPC)
	case host.ExitAbort:
		from.home = inArena(b.Entry)
	}
	from.home = from.home || t.homeward
	return from
}

// toCode makes the thread continue at guest address pc with all registers.
func (t *Thread) toCode(pc uint64, called bool) *Fault {
	b := t.block
	b.RIP = pc
	h, err := pc, error(nil)
	switch e := t.engine; {
	case t.alone:
		h, err = e.single(pc)
	case !e.goHome(pc, t.from):
		h, err = e.resolve(pc, called)
	}
	if err != nil {
		return t.fetchFault()
	}
	b.Entry, t.stub = h, t.engine.stubs.EnterFull
	return nil
}

// toLanding is toCode for the target of an indirect branch that missed.
func (t *Thread) toLanding(pc uint64) *Fault {
	b := t.block
	b.RIP = pc
	h, err := t.engine.landing(pc)
	if err != nil {
		return t.fetchFault()
	}
	b.Entry, t.stub = h, t.engine.stubs.EnterFull
	return nil
}

// toCallee is toCode for the target of an indirect call that missed.
func (t *Thread) toCallee(pc uint64) *Fault {
	b := t.block
	b.RIP = pc
	h, err := t.engine.callee(pc)
	if err != nil {
		return t.fetchFault()
	}
	b.Entry, t.stub = h, t.engine.stubs.EnterFull
	return nil
}

// toNext is toCode for RIP, without a lock when it is translated.
func (t *Thread) toNext() *Fault {
	b := t.block
	if h, ok := t.engine.lookup(b.RIP); ok {
		b.Entry, t.stub = h, t.engine.stubs.EnterFull
		return nil
	}
	return t.toCode(b.RIP, false)
}

// onLink translates the target of a direct branch.
func (t *Thread) onLink() *Fault {
	kind := rewrite.RefKind(t.block.ExitArg)
	if kind == rewrite.RefIndirect {
		t.stats.Misses++
		return t.toJumped(t.block.RIP)
	}
	return t.toCode(t.block.RIP, kind == rewrite.RefCall)
}

// onKick settles the state of a thread that a kick took out of the guest.
func (t *Thread) onKick() {
	b := t.block
	m, ok := t.engine.mark(b.HostPC)
	undone := t.engine.unfinished(b.HostPC, m)
	t.host.Settled()
	if inArena(b.HostPC) { // at home
		b.RIP = b.HostPC
	} else if guest, kind := missed(b.HostPC); kind != missNone {
		b.RIP, b.Regs[decode.R11] = guest, b.Spill[0]
		if kind == missCall {
			b.Regs[decode.RSP] += 8
		}
	} else if ok {
		settle(b, m)
		t.takeBack(undone)
	} else if t.engine.home.on.Load() { // by a wild jump: attend goes on there, and faults
		b.RIP = b.HostPC
	} else {
		panic("engine: a kick found the guest outside the code cache")
	}
}

// attend sees to what the thread was kicked for; false when it is to end.
func (t *Thread) attend() bool {
	e := t.engine
	e.mu.Lock() // whoever stopped the world holds it
	t.host.ClearKick()
	e.mu.Unlock()
	if t.sampler != nil {
		t.sampler.Sample(t.place())
	}
	if t.debugger != nil {
		t.halt(Stop{Kind: StopKick})
	}
	return !t.kernel.Process().Exiting()
}

// vdsoCall makes the system call that the guest asked for through the vDSO, and
// prepares the return; false when the thread is to end.
func (t *Thread) vdsoCall() bool {
	b := t.block
	c := t.calls[b.ExitArg]
	a := &b.Args
	if machineArgs[c] > 6 {
		t.stackArgs(c)
	}
	if t.debugger != nil { // it looks at registers
		b.Regs[decode.RDI], b.Regs[decode.RSI], b.Regs[decode.RDX] = a[0], a[1], a[2]
		b.Regs[decode.RCX], b.Regs[decode.R8], b.Regs[decode.R9] = a[3], a[4], a[5]
	}
	if t.debugger != nil && !t.raises(c) {
		b.Result = 0
	} else if !t.callAgain(c) {
		return false
	}
	b.Entry, t.stub = t.engine.vdsoReturn(), t.engine.stubs.EnterReturn
	return true
}

// stackArgs fetches the machine arguments of a call beyond the sixth.
func (t *Thread) stackArgs(c abi.Call) {
	b := t.block
	for i := 6; i < int(machineArgs[c]); i++ {
		v, err := t.engine.mem.Load64(b.Regs[decode.RSP] + 8*uint64(i-5))
		if err != nil {
			v = 0 // no stack to read: the pointer this argument is will fault
		}
		b.Args[i] = v
	}
}

// restartCall deals with a call that has not returned; false when the thread is to end.
func (t *Thread) restartCall(c abi.Call, o kernel.Outcome) bool {
	return o.Action == kernel.ActionRestart && t.attendInCall() && t.callAgain(c)
}

// callAgain makes a call through the vDSO as often as kicks interrupt it; false when the
// thread is to end.
func (t *Thread) callAgain(c abi.Call) bool {
	for {
		o := t.kernel.CallVDSO(c, &t.block.Args)
		switch o.Action {
		case kernel.ActionContinue:
			t.block.Result = uint64(o.Errno)
			return true
		case kernel.ActionRestart:
			if !t.attendInCall() {
				return false
			}
		default:
			return false
		}
	}
}

// carry is the flag by which a raw system call reports failure.
const carry = 1

// rawCall makes the system call of a syscall instruction; false when the thread
// is to end.
func (t *Thread) rawCall() bool {
	b := t.block
	a := &b.Args
	a[0], a[1], a[2] = b.Regs[decode.RDI], b.Regs[decode.RSI], b.Regs[decode.RDX]
	a[3], a[4], a[5] = b.Regs[decode.R10], b.Regs[decode.R8], b.Regs[decode.R9]
	t.number = b.Regs[decode.RAX]
	if t.debugger != nil {
		if c, ok := abi.ByNum2016(t.number); ok && !t.raises(c) {
			b.Regs[decode.RAX], b.Regs[decode.RDX] = 0, 0
			b.Flags &^= carry
			return true
		}
	}
	for {
		r0, r1, o := t.kernel.CallRaw(t.number, a)
		switch o.Action {
		case kernel.ActionContinue:
			if o.Errno != 0 {
				b.Regs[decode.RAX] = uint64(o.Errno)
				b.Flags |= carry
			} else {
				b.Regs[decode.RAX], b.Regs[decode.RDX] = r0, r1
				b.Flags &^= carry
			}
			return true
		case kernel.ActionRestart:
			if !t.attendInCall() {
				return false
			}
		default:
			return false
		}
	}
}

// machineArgs is the number of machine arguments of each call through the vDSO,
// result pointers included.
var machineArgs = func() (n [abi.NumCalls]uint8) {
	for c := range n {
		n[c] = uint8(abi.Call(c).Info().NArgs())
	}
	return n
}()
