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
func (p threads) StartThread(entry, stackTop, arg uint64, tid abi.Tid) error {
	rsp := stackTop - 8
	// The entry never returns; a return address of 0 ends a backtrace.
	if err := p.mem.Store64(rsp, 0); err != nil {
		return err
	}
	return p.startThread(tid, engine.Start{RIP: entry, RSP: rsp, RDI: uint64(tid), RSI: arg})
}

// SetTCB is thread_tcb_set of generations 0 and 1.
func (p threads) SetTCB(t *kernel.Thread, addr uint64) { p.engine.MoveBase(t.Host.Block(), addr) }

// startThread runs a guest thread on a goroutine of its own, and returns when it
// has an operating-system thread, or abi.EAGAIN when there is none for it.
func (p *Process) startThread(tid abi.Tid, s engine.Start) error {
	began := make(chan error)
	p.threads.Add(1)
	go func() {
		defer p.threads.Done()
		ht, err := host.NewThread(0)
		if errors.Is(err, host.ErrNoThreads) {
			err = abi.EAGAIN
		}
		if err == nil {
			err = setTCB(ht)
		}
		if err != nil {
			if ht != nil {
				ht.Close()
			}
			began <- err
			return
		}
		kt := p.kernel.NewThread(tid, ht)
		et := p.engine.NewThread(ht, kt, p.calls, s)
		began <- nil
		if f := et.Run(); f != nil {
			p.faulted(f, tid)
		}
		et.Close()
		kt.Leave()
		ht.Close()
	}()
	return <-began
}

// tcbOffset is where a thread's first TCB lies, from its %fs word on.
const tcbOffset = 16

// setTCB gives a thread the 8-byte TCB that it finds through %fs:0 at its first
// instruction. The TCB itself is 0: nothing of ours hangs on it.
func setTCB(ht *host.Thread) error {
	return host.Store64(ht.FSWord, ht.FSWord+tcbOffset)
}
