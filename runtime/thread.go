package runtime

import (
	"errors"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
)

// threads is the process as the kernel sees it: the part that runs guest code. It
// implements kernel.Engine.
type threads struct{ *Process }

// StartThread starts a guest thread whose entry is called with (tid, arg) on a
// stack that ends at stackTop.
func (p threads) StartThread(entry, stackTop, arg uint64) (abi.Tid, error) {
	rsp := stackTop - 8
	// The entry never returns; a return address of 0 ends a backtrace.
	if err := p.mem.Store64(rsp, 0); err != nil {
		return 0, err
	}
	begin := func(tid abi.Tid) beginning {
		return p.fresh(engine.Start{RIP: entry, RSP: rsp, RDI: uint64(tid), RSI: arg})
	}
	if tid := p.onWorker(begin); tid != 0 {
		return tid, nil
	}
	return p.startThread(0, func(tid abi.Tid) (beginning, error) { return begin(tid), nil })
}

// onWorker starts a thread on an operating-system thread that waits for such, and does not
// wait for it; 0 if there is none. A debugger must be told of a thread before others go on.
func (p *Process) onWorker(begin func(abi.Tid) beginning) abi.Tid {
	if p.debug != nil {
		return 0
	}
	p.threads.Add(1)
	id := host.Begin(func(ht *host.Thread) {
		defer p.threads.Done()
		if err := setTCB(ht); err != nil {
			panic("runtime: a new thread block cannot be written to: " + err.Error())
		}
		p.runThread(ht, begin(abi.Tid(ht.ID())), func(abi.Tid) {})
	})
	if id == 0 {
		p.threads.Done()
	}
	return abi.Tid(id)
}

// SetTCB is thread_tcb_set of generations 0 and 1.
func (p threads) SetTCB(t *kernel.Thread, addr uint64) { p.engine.MoveBase(t.Host.Block(), addr) }

// A beginning makes the engine's side of a thread.
type beginning func(*host.Thread, *kernel.Thread) *engine.Thread

// fresh begins a thread at its start.
func (p *Process) fresh(s engine.Start) beginning {
	return func(ht *host.Thread, kt *kernel.Thread) *engine.Thread {
		return p.engine.NewThread(ht, kt, p.calls, s)
	}
}

// startThread runs a guest thread, reserved already, on a goroutine of its own. It
// returns when that has an operating-system thread, which the identifier is of, or
// abi.EAGAIN when there is none for it. tcb is where the thread's first TCB must
// lie, 0 for anywhere. prepare says how the thread begins; it is called on the
// thread, and its error is returned.
func (p *Process) startThread(tcb uint64, prepare func(abi.Tid) (beginning, error)) (abi.Tid, error) {
	type began struct {
		tid abi.Tid
		err error
	}
	c := make(chan began, 1)
	p.threads.Add(1)
	err := host.Go(func() {
		defer p.threads.Done()
		ht, err := newHostThread(tcb)
		if err != nil {
			c <- began{err: err}
			return
		}
		begin, err := prepare(abi.Tid(ht.ID()))
		if err != nil {
			ht.Close()
			c <- began{err: err}
			return
		}
		p.runThread(ht, begin, func(tid abi.Tid) { c <- began{tid: tid} })
	})
	if err != nil {
		p.threads.Done()
		return 0, abi.EAGAIN
	}
	b := <-c
	return b.tid, b.err
}

// runThread runs a guest thread, from its beginning to its end. enters is called when the
// process knows it, with its identifier.
func (p *Process) runThread(ht *host.Thread, begin beginning, enters func(abi.Tid)) {
	kt := p.kernel.NewThread(ht)
	et := begin(ht, kt)
	leave := p.debug.enter(kt, et)
	enters(kt.Tid)
	stop := p.sample(kt, et)
	if f := et.Run(); f != nil {
		p.faulted(f, kt.Tid)
	}
	stop()
	leave()
	et.Close()
	kt.Leave()
	ht.Close()
}

// newHostThread makes the calling goroutine's host thread one for a guest.
func newHostThread(tcb uint64) (*host.Thread, error) {
	ht, err := host.NewThread(tcb)
	if errors.Is(err, host.ErrNoThreads) {
		return nil, abi.EAGAIN
	}
	if err == nil {
		if err = setTCB(ht); err != nil {
			ht.Close()
		}
	}
	return ht, err
}

// setTCB gives a thread the 8-byte TCB that it finds through %fs:0 at its first
// instruction. The TCB itself is 0: nothing of ours hangs on it.
func setTCB(ht *host.Thread) error {
	return host.Store64(ht.FSWord, ht.TCB())
}
