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
	return p.startThread(0, func(tid abi.Tid) (beginning, error) {
		return p.fresh(engine.Start{RIP: entry, RSP: rsp, RDI: uint64(tid), RSI: arg}), nil
	})
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
		kt := p.kernel.NewThread(ht)
		et := begin(ht, kt)
		leave := p.debug.enter(kt, et)
		c <- began{tid: kt.Tid}
		stop := p.sample(kt, et)
		if f := et.Run(); f != nil {
			p.faulted(f, kt.Tid)
		}
		stop()
		leave()
		et.Close()
		kt.Leave()
		ht.Close()
	})
	if err != nil {
		p.threads.Done()
		return 0, abi.EAGAIN
	}
	b := <-c
	return b.tid, b.err
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
