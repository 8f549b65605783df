package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/codelog"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
)

// EnableFork lets guests fork. It must be the first thing that main does: a fork
// starts this program anew, and there EnableFork runs the forked guest and does not
// return. Without it proc_fork answers ENOSYS. A fault in a forked guest, and calls
// that could not be written down, are reported on standard error.
func EnableFork() {
	count := os.Getenv(host.ContinueEnv)
	if count == "" {
		forks.Store(true)
		return
	}
	os.Exit(continueFork(count))
}

// launchFailed is the exit status of a program that could not be run.
const launchFailed = 127

// continueFork runs the guest whose copy comes to the child's end of a process descriptor
// until it ends, and returns what this program is to end with.
func continueFork(count string) int {
	_, space := host.Reserve()
	if n, _ := strconv.Atoi(count); errors.Is(space, host.ErrNoSpace) && n < host.MaxStarts {
		space = fmt.Errorf("a forked process cannot be started anew: %w",
			host.StartAnew(host.ContinueEnv, strconv.Itoa(n+1)))
	}
	_ = os.Unsetenv(host.ContinueEnv)
	parent, err := host.Continued()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cabitrans: %v\n", err)
		return launchFailed
	}
	end, err := continueCopy(parent, space)
	if err != nil && !errors.Is(err, io.EOF) { // that is: the parent is gone
		_ = host.SendReady(parent, err)
		return launchFailed
	}
	_ = host.SendEnd(parent, end)
	return 0
}

// continueCopy runs the copy; space says why there can be none.
func continueCopy(parent int, space error) (end host.End, err error) {
	if space != nil {
		return end, space
	}
	forks.Store(true)
	h, snap, fds, err := receiveCopy(parent)
	if err != nil {
		return end, err
	}
	live.Store(true)
	p := &Process{ended: make(chan struct{}), forked: true, limits: h.Limits, parent: parent}
	p.time.begin(p.limits.Timeout)
	if err := p.resume(h, snap, fds); err != nil {
		return end, err
	}
	p.watchTime()
	go p.reap()
	resume := p.heedSignals()
	e := p.Wait()
	if e.Fault != nil {
		fmt.Fprint(os.Stderr, "cabitrans: "+e.Fault.Report())
	}
	for _, err := range []error{p.TraceErr(), p.CodeLogErr(), p.ProfileErr(), p.CoverageErr(), p.CountsErr()} {
		if err != nil {
			fmt.Fprintf(os.Stderr, "cabitrans: %v\n", err)
		}
	}
	resume()
	return host.End{Code: e.Code, Signal: uint8(e.Signal)}, nil
}

// resume makes p the copy that h describes, and starts its thread.
func (p *Process) resume(h *handover, snap *host.Snapshot, fds []int) error {
	space, err := host.Reserve()
	if err != nil {
		return err
	}
	p.program = &program{name: h.Program, exeFD: -1, stackSize: h.Stack, of2016: h.Of2016}
	if h.Exe && len(fds) > 0 {
		f, err := takeFile(&fds, h.Program)
		if err != nil {
			return err
		}
		p.program.exe, p.program.closer, p.program.exeFD = f, f, int(f.Fd())
		if info, err := f.Stat(); err == nil {
			p.program.size = info.Size()
			p.program.image, _ = loader.Parse(f, info.Size()) // it was read before
		}
	}
	p.program.unwind = sync.OnceValue(p.program.unwindTable)
	if h.Trace != nil && len(fds) > 0 {
		f, err := takeFile(&fds, "trace")
		if err != nil {
			return err
		}
		p.setTrace(&Trace{TraceOptions: *h.Trace, To: f})
	}
	p.plan, p.vdso, p.calls, p.syms = &h.Plan, h.VDSO, abi.CallsOfVDSO(h.Of2016), p.program.symbols()
	table, objects, err := h.FDs.Adopt(fds)
	if err != nil {
		return err
	}
	if p.mem, err = memory.Restore(space, h.Memory, snap, objects); err != nil {
		return err
	}
	p.mem.SetLimit(p.limits.Memory)
	table.Settle()
	if p.kernel, err = kernel.NewProcess(kernel.Config{
		Space: p.mem, Engine: threads{p}, Table: table, Of2016: h.Of2016, Tracer: p.kernelTracer(),
		MaxFDs: p.limits.FDs, MaxThreads: p.limits.Threads,
	}); err != nil {
		return err
	}
	if p.tls, err = rewrite.SelectTLS(h.TLS, tlsHost()); err != nil {
		return err
	}
	if err := engine.UseTLS(p.tls); err != nil {
		return err
	}
	p.tier, p.strict, p.without = h.Tier, h.Strict, h.Without
	if err = p.resumeWatching(&h.Watch); err != nil {
		return err
	}
	if err = p.newEngine(space); err != nil {
		return err
	}
	if err := p.kernel.Reserve(); err != nil {
		return err
	}
	_, err = p.startThread(h.Thread.TCB, func(abi.Tid) (beginning, error) {
		return func(ht *host.Thread, kt *kernel.Thread) *engine.Thread {
			t := p.engine.Resume(ht, kt, p.calls, &h.Thread)
			p.tellParent()
			return t
		}, nil
	})
	return err
}

// takeFile makes the last descriptor a file of package os.
func takeFile(fds *[]int, name string) (*os.File, error) {
	n := len(*fds) - 1
	fd := (*fds)[n]
	*fds = (*fds)[:n]
	f, err := host.OSFile(fd, name)
	return f, errors.Join(err, host.CloseFD(fd))
}

// resumeWatching makes files of p's own for what its parent is asked to write.
func (p *Process) resumeWatching(w *watchHandover) error {
	var first error
	open := func(path string) *os.File {
		f, err := forkedFile(path)
		if first == nil {
			first = err
		}
		return f
	}
	if l := w.CodeLog; l != nil {
		c := &CodeLog{To: open(l.Forked), Items: l.Items, Forked: l.Forked}
		if l.Filter != "" {
			var err error
			if c.Filter, err = codelog.ParseFilter(l.Filter); err != nil {
				return err
			}
		}
		p.setCodeLog(c)
		p.logBegun = true // the filter is that of another program, perhaps
	}
	var c *Coverage
	var n *Counts
	if w.Coverage != "" {
		c = &Coverage{To: open(w.Coverage), Lines: w.Lines, Forked: w.Coverage}
	}
	if w.Counts != "" {
		n = &Counts{To: open(w.Counts), Kinds: w.Kinds, All: true, Forked: w.Counts}
	}
	p.setCoverage(c, n)
	if w.Profile != "" {
		if err := p.setProfile(&Profile{To: open(w.Profile), Hz: w.Hz, Forked: w.Profile}); err != nil {
			return err
		}
	}
	return first
}

// tellParent lets proc_fork return in the parent, and ties this process's life to
// that of its descriptor.
func (p *Process) tellParent() {
	err := host.SendReady(p.parent, nil)
	if err == nil {
		err = p.dieWith(p.parent)
	}
	if err != nil { // nobody holds the descriptor any more
		host.KillSelf()
	}
}
