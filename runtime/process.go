package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
)

// live is set while a process exists.
var live atomic.Bool

// Process is a running guest process.
type Process struct {
	name   string
	mem    *memory.AddressSpace
	kernel *kernel.Process
	engine *engine.Engine
	image  *loader.Image
	plan   *loader.Plan
	syms   func() *loader.SymTab
	calls  []abi.Call // by vDSO slot

	threads sync.WaitGroup // one for each guest thread
	ended   chan struct{}  // closed when Wait may return
	stop    func() bool    // ends the watch on the context

	mu    sync.Mutex
	fault *Fault
	stats Stats // final, once ended is closed
	close error
}

// Start starts a process. It ends early, as by Kill, when ctx is done; ctx's end
// before Start has returned counts, too. Errors are of type *LaunchError, but for
// ErrBusy.
func Start(ctx context.Context, c Config) (*Process, error) {
	if !live.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	p, err := start(ctx, &c)
	if err != nil {
		live.Store(false)
		return nil, &LaunchError{Program: c.Name, Err: err}
	}
	return p, nil
}

func start(ctx context.Context, c *Config) (_ *Process, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	p := &Process{name: c.Name, ended: make(chan struct{})}
	if p.image, err = loader.Parse(c.Executable, c.Size); err != nil {
		return nil, err
	}
	space, err := host.Reserve()
	if err != nil {
		return nil, err
	}
	if p.mem, err = memory.New(space); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.release() // the first error counts
		}
	}()
	if p.kernel, err = kernel.NewProcess(kernel.Config{Space: p.mem, Engine: threads{p}, FDs: grants(c.FDs)}); err != nil {
		return nil, err
	}
	if err := p.kernel.Reserve(); err != nil {
		return nil, err
	}
	// Symbols only name things: a program whose table is broken runs all the same,
	// and most never need it.
	p.syms = sync.OnceValue(func() *loader.SymTab {
		syms, _ := loader.Symbols(c.Executable, c.Size)
		return syms
	})
	// The image is loaded on the first thread: the start-up block names its identifier.
	var loading error
	_, err = p.startThread(func(tid abi.Tid) (first engine.Start, err error) {
		var vdso engine.VDSO
		first, vdso, loading = p.load(c, tid)
		if loading == nil {
			p.engine, loading = engine.New(space, p.mem, vdso)
		}
		return first, loading
	})
	if loading != nil {
		return nil, loading
	}
	if err != nil {
		return nil, fmt.Errorf("no thread for it: %w", err)
	}
	p.stop = context.AfterFunc(ctx, p.Kill)
	go p.reap()
	return p, nil
}

func grants(fds []int) []kernel.Grant {
	g := make([]kernel.Grant, len(fds))
	for i, fd := range fds {
		g[i].HostFD = fd
	}
	return g
}

// reap waits for the last thread and gives everything back.
func (p *Process) reap() {
	p.threads.Wait()
	p.stop()
	p.mu.Lock()
	p.stats = p.currentStats()
	p.close = p.release()
	p.mu.Unlock()
	live.Store(false)
	close(p.ended)
}

// release undoes what start has made so far. No thread is left.
func (p *Process) release() error {
	var errs []error
	if p.engine != nil {
		errs = append(errs, p.engine.Close())
	}
	if p.kernel != nil {
		p.kernel.Close()
	}
	return errors.Join(append(errs, p.mem.Close())...)
}

// Kill ends the process as SIGKILL does. It does not wait, and does nothing to a
// process that is ending already.
func (p *Process) Kill() { p.kernel.Kill(abi.SIGKILL) }

// Done is closed when the process has ended and Wait will not block.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Wait waits until the process has ended and says how. It may be called more than
// once and by several goroutines.
func (p *Process) Wait() Exit {
	<-p.ended
	s, ok := p.kernel.Status()
	if !ok {
		panic("runtime: no thread is left of a process that has not ended")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.close != nil {
		panic("runtime: guest memory could not be given back: " + p.close.Error())
	}
	e := Exit{Code: uint32(s.Code), Signal: s.Signal, Fault: p.fault}
	if e.Fault != nil && e.Fault.Signal != e.Signal {
		e.Fault = nil // another ending came first
	}
	return e
}
