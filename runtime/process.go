package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/codelog"
	"cabitrans/runtime/coverage"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
	"cabitrans/runtime/profile"
	"cabitrans/runtime/strace"
)

// live is set while a process exists.
var live atomic.Bool

// Process is a running guest process. What it runs may change, by proc_exec: the
// fields up to calls are of the program that it is now, and are replaced when no
// guest thread exists, under mu.
type Process struct {
	program *program
	mem     *memory.AddressSpace
	kernel  *kernel.Process
	engine  *engine.Engine
	plan    *loader.Plan
	syms    func() *loader.SymTab
	vdso    engine.VDSO
	calls   []abi.Call // by vDSO slot
	tls     rewrite.TLS
	tier    string // Config.Tier, never empty
	strict  bool   // Config.Strict
	without rewrite.Without
	limits  Limits // Config.Limits
	forked  bool   // the host process ends with it
	parent  int    // of a forked one: its end of its process descriptor
	trace   *Trace // nil for none
	tracer  *strace.Tracer

	coverage *Coverage // nil for none
	counts   *Counts   // nil for none
	executed *coverage.Recorder

	codeLog      *CodeLog // nil for none
	translations *codelog.Log
	logBegun     bool // a program has been begun in it

	profile  *Profile // nil for none
	recorder *profile.Recorder
	perfMap  io.Writer // nil for none
	jitdump  *jitdump  // nil for none
	debug    *debugger // nil for none

	threads sync.WaitGroup // one for each guest thread
	ended   chan struct{}  // closed when Wait may return
	stop    func() bool    // ends the watch on the context
	time    stopwatch      // of Limits.Timeout

	mu       sync.Mutex
	next     *program // what proc_exec has asked for
	killed   bool     // from outside
	timedOut bool     // by timer
	fault    *Fault
	stats    Stats             // of the programs before; final, once ended is closed
	status   kernel.ExitStatus // final, likewise
	close    error

	traceErr, profileErr, perfMapErr, jitdumpErr, coverageErr, countsErr error // once ended is closed
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
		if c.Debug != nil {
			_ = c.Debug.Listener.Close() // nobody is to wait there
		}
		live.Store(false)
		return nil, &LaunchError{Program: c.Name, Err: err}
	}
	return p, nil
}

func start(ctx context.Context, c *Config) (_ *Process, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	g, err := newProgram(c)
	if err != nil {
		return nil, err
	}
	if err := c.Limits.check(g); err != nil {
		return nil, err
	}
	p := &Process{ended: make(chan struct{}), strict: c.Strict, limits: c.Limits}
	if p.tls, err = rewrite.SelectTLS(c.TLS, tlsHost()); err != nil {
		return nil, err
	}
	if p.tier, err = selectTier(c.Tier, p.tls); err == nil {
		p.tier, err = watchedTier(c, p.tier)
	}
	if err != nil {
		return nil, err
	}
	if p.without, err = rewrite.ParseWithout(c.Without); err != nil {
		return nil, err
	}
	if err := p.setProfile(c.Profile); err != nil {
		return nil, err
	}
	p.perfMap = c.PerfMap
	if err := p.setJITDump(c.JITDump); err != nil {
		return nil, err
	}
	p.setCodeLog(c.CodeLog)
	p.setCoverage(c.Coverage, c.Counts)
	if c.Coverage != nil && c.Coverage.Lines {
		if err := coverage.CheckLines(g.exe); err != nil {
			return nil, err
		}
	}
	p.setTrace(c.Trace)
	p.debug = newDebugger(p, c.Debug)
	p.time.begin(p.limits.Timeout)
	if c.Debug != nil && c.Debug.Wait {
		p.time.hold() // until a debugger lets it go on
	}
	if err := p.begin(g); err != nil {
		p.debug.end(kernel.ExitStatus{})
		if p.tracer != nil {
			_ = p.tracer.Close() // the first error counts
		}
		return nil, c.Limits.explain(err)
	}
	p.watchTime()
	p.stop = context.AfterFunc(ctx, p.Kill)
	go p.reap()
	return p, nil
}

// newEngine makes the engine for the program in p.mem.
func (p *Process) newEngine(space *host.Space) (err error) {
	if p.engine, err = engine.New(space, p.mem, p.vdso, p.tls); err != nil {
		return err
	}
	p.engine.Without(p.without)
	if p.strict {
		p.engine.Strict()
	}
	if p.tier == TierHome && !p.engine.Home(p.functions()) {
		panic("runtime: a tier was selected that the TLS strategy cannot have")
	}
	p.watchBlocks()
	return p.watchCode()
}

// begin makes p run a program. No guest thread exists.
func (p *Process) begin(g *program) (err error) {
	space, err := host.Reserve()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.program, p.mem, p.kernel, p.engine = g, nil, nil, nil
	defer func() {
		if err != nil {
			_ = p.release() // the first error counts
		}
	}()
	if p.mem, err = memory.New(space); err != nil {
		return err
	}
	p.mem.SetLimit(p.limits.Memory)
	c := kernel.Config{
		Space: p.mem, Engine: threads{p}, FDs: g.fds, Table: g.table, Of2016: g.of2016, Tracer: p.kernelTracer(),
		MaxFDs: p.limits.FDs, MaxThreads: p.limits.Threads,
	}
	if p.kernel, err = kernel.NewProcess(c); err != nil {
		return err
	}
	if err := p.kernel.Reserve(); err != nil {
		return err
	}
	p.syms = g.symbols()
	if err := engine.UseTLS(p.tls); err != nil {
		return err
	}
	// The image is loaded on the first thread: the start-up block names its identifier.
	var loading error
	_, err = p.startThread(0, func(tid abi.Tid) (beginning, error) {
		var first engine.Start
		first, p.vdso, loading = p.load(g, tid)
		if loading == nil {
			loading = p.newEngine(space)
		}
		return p.fresh(first), loading
	})
	if loading != nil {
		return loading
	}
	if err != nil {
		return fmt.Errorf("no thread for it: %w", err)
	}
	if p.killed {
		p.kernel.Kill(abi.SIGKILL)
	}
	return nil
}

func grants(fds []int, drop []Rights) []kernel.Grant {
	g := make([]kernel.Grant, len(fds))
	for i, fd := range fds {
		g[i].HostFD = fd
		if i < len(drop) {
			g[i].Drop = drop[i]
		}
	}
	return g
}

// reap waits for the last thread, of the last program, and gives everything back.
func (p *Process) reap() {
	p.threads.Wait()
	for p.becomeNext() {
		p.threads.Wait()
	}
	if p.stop != nil {
		p.stop()
	}
	p.time.end()
	p.endDebug() // before there is nothing to look at any more
	p.mu.Lock()
	if p.kernel != nil {
		p.status, _ = p.kernel.Status()
		p.stats.add(p.currentStats())
	}
	p.endProgram()
	p.endCoverage()
	p.perfMapErr, p.jitdumpErr = p.writePerfMap(), p.writeJITDump()
	if p.forked {
		if p.kernel != nil {
			p.kernel.Close() // the host takes the rest
		}
	} else {
		p.close = errors.Join(p.close, p.release())
	}
	p.mu.Unlock()
	if p.tracer != nil {
		p.traceErr = p.tracer.Close()
	}
	p.profileErr = p.writeProfile()
	p.writeCoverage()
	live.Store(false)
	close(p.ended)
}

// release undoes what has been made so far, under mu. No thread is left.
func (p *Process) release() error {
	var errs []error
	if p.engine != nil {
		errs = append(errs, p.engine.Close())
	}
	if p.kernel != nil {
		p.kernel.Close()
	}
	if p.mem != nil {
		errs = append(errs, p.mem.Close())
	}
	p.program.close()
	p.mem, p.kernel, p.engine = nil, nil, nil
	return errors.Join(errs...)
}

// Kill ends the process as SIGKILL does. It does not wait, and does nothing to a
// process that is ending already.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.kernel != nil {
		p.kernel.Kill(abi.SIGKILL)
	}
}

// setTrace makes the tracer that c asks for.
func (p *Process) setTrace(c *Trace) {
	if c != nil {
		p.trace, p.tracer = c, strace.New(c.To, c.TraceOptions)
	}
}

// kernelTracer is the tracer as the kernel takes it: nil when there is none.
func (p *Process) kernelTracer() kernel.Tracer {
	if p.tracer == nil {
		return nil
	}
	return p.tracer
}

// TraceErr waits until the process has ended, and says whether system calls could
// be written down.
func (p *Process) TraceErr() error {
	<-p.ended
	return p.traceErr
}

// Done is closed when the process has ended and Wait will not block.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Wait waits until the process has ended and says how. It may be called more than
// once and by several goroutines.
func (p *Process) Wait() Exit {
	<-p.ended
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.close != nil {
		panic("runtime: guest memory could not be given back: " + p.close.Error())
	}
	e := Exit{Code: uint32(p.status.Code), Signal: p.status.Signal, Fault: p.fault, TimedOut: p.timedOut}
	if e.Fault != nil && e.Fault.Signal != e.Signal {
		e.Fault = nil // another ending came first
	}
	return e
}
