package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// Engine is what the kernel asks of the part that runs guest code.
type Engine interface {
	// StartThread starts a guest thread at entry with the given stack top, which
	// is 16-byte aligned, and (tid, arg) as its arguments, where tid is the one that
	// its NewThread has found; it returns the same when there has been a NewThread.
	// abi.EAGAIN when the host cannot have another thread.
	StartThread(entry, stackTop, arg uint64) (abi.Tid, error)
	// Fork begins to make a copy of the process in which only t, the calling thread
	// in proc_fork, exists, and returns the holder's end of its process descriptor.
	// The copy sends host.SendReady there when it runs. abi.ENOSYS when the host
	// program is not made for it.
	Fork(t *Thread) (fd int, err error)
	// Exec prepares what the process becomes when all its threads have left: the
	// executable behind the host descriptor exe, which it duplicates, with the given
	// argument data and descriptors. It takes over t. An error, such as abi.ENOEXEC,
	// says that it cannot become that; nothing has then happened to the process.
	Exec(exe int, data []byte, t *Table) error
	// SetTCB moves the %fs base of t, which is the calling thread, to addr.
	SetTCB(t *Thread, addr uint64)
}

// Config is what a process starts with.
type Config struct {
	Space  *memory.AddressSpace
	Engine Engine
	FDs    []Grant // become descriptors 0, 1, 2 and so on
	Table  *Table  // instead of FDs, descriptors that another process leaves
	Tracer Tracer  // is told of system calls; may be nil

	MaxFDs, MaxThreads int // how many there may be; 0 for as many as possible

	// Of2016 says that the program takes the ABI of 2016 for granted though it calls
	// through the vDSO. Others that do are not shown what only that ABI has.
	Of2016 bool
}

// Process is the kernel's side of one guest process.
type Process struct {
	mem    *memory.AddressSpace
	engine Engine
	tracer Tracer
	fds    fdTable
	of2016 bool // see Config
	futex  futexes

	maxThreads int

	exiting atomic.Bool // set once status is decided
	done    chan struct{}

	mu       sync.Mutex
	status   ExitStatus
	threads  map[abi.Tid]*Thread
	starting int    // threads that are reserved
	ended    Counts // calls of threads that are gone
}

// ExitStatus says how a process ended: by itself with Code, by Signal when that is
// not 0, or by becoming another program, the one that Engine.Exec has prepared.
type ExitStatus struct {
	Code   abi.Exitcode
	Signal abi.Signal
	Exec   bool
}

// Counts holds how often each system call was made.
type Counts [abi.NumCalls]uint64

// NewProcess makes a process without threads. Close gives its descriptors back.
func NewProcess(c Config) (*Process, error) {
	p := &Process{
		mem:     c.Space,
		engine:  c.Engine,
		tracer:  c.Tracer,
		done:    make(chan struct{}),
		threads: make(map[abi.Tid]*Thread),
	}
	p.futex.mem = c.Space
	p.of2016 = c.Of2016
	p.fds.limit = c.MaxFDs
	p.maxThreads = host.MaxThreads
	if c.MaxThreads > 0 {
		p.maxThreads = min(c.MaxThreads, host.MaxThreads)
	}
	if c.Table != nil {
		c.Table.moveTo(&p.fds)
	}
	for i, g := range c.FDs {
		if err := p.fds.grant(g); err != nil {
			p.fds.closeAll()
			return nil, fmt.Errorf("descriptor %d of the guest: %w", i, err)
		}
	}
	return p, nil
}

// Close releases the process's descriptors. All its threads have left.
func (p *Process) Close() { p.fds.closeAll() }

// Reserve counts a thread that is about to start; NewThread or Unreserve must
// follow. The process does not end before. EAGAIN when there are too many threads.
func (p *Process) Reserve() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.threads)+p.starting >= p.maxThreads {
		return abi.EAGAIN
	}
	p.starting++
	return nil
}

// Unreserve takes back a Reserve whose thread could not be started.
func (p *Process) Unreserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
}

// NewThread makes the kernel's side of a thread that was reserved. It is called on
// that thread. Its identifier is the host's: a lock's owner must be told apart from
// the threads of other processes, too, that map the lock.
func (p *Process) NewThread(ht *host.Thread) *Thread {
	t := &Thread{Tid: abi.Tid(ht.ID()), Host: ht, proc: p}
	t.vdso, t.raw = (*Thread).callVDSO, p.of2016
	if p.tracer != nil {
		t.vdso = (*Thread).tracedVDSO
	}
	t.wait.tid = uint32(t.Tid)
	t.wait.wake = ht.Unpark
	t.shared = threadWords{p.mem, ht}
	t.poll.subs = t.poll.store[:0]
	p.mu.Lock()
	if p.threads[t.Tid] != nil {
		p.mu.Unlock()
		panic("kernel: a host thread that is still a guest thread became another one")
	}
	p.threads[t.Tid] = t
	p.starting--
	p.mu.Unlock()
	if p.exiting.Load() {
		ht.Kick() // the ending may have looked through the list before
	}
	return t
}

// Leave takes the thread out of the process, after its last instruction and
// before its host thread is closed: another guest thread may get that one, and its
// identifier, from then on. More than one call is allowed. The process ends with
// code 0 when the last thread leaves it running.
func (t *Thread) Leave() {
	p := t.proc
	p.mu.Lock()
	if p.threads[t.Tid] != t {
		p.mu.Unlock()
		return
	}
	delete(p.threads, t.Tid)
	t.addCounts(&p.ended)
	last := len(p.threads)+p.starting == 0
	p.mu.Unlock()
	t.leaveWait()
	t.poll.finish()
	t.abandonFork()
	t.recv.finish()
	if last {
		p.Exit(0)
	}
}

// Exit ends the process as proc_exit does: the first ending counts, and every
// thread is kicked. It does not wait for them.
func (p *Process) Exit(code abi.Exitcode) { p.end(ExitStatus{Code: code}) }

// Exec ends the process in favour of the program that Engine.Exec has prepared.
func (p *Process) Exec() { p.end(ExitStatus{Exec: true}) }

// Kill ends the process by a signal, which is not 0.
func (p *Process) Kill(sig abi.Signal) { p.end(ExitStatus{Signal: sig}) }

func (p *Process) end(s ExitStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exiting.Load() {
		return
	}
	p.status = s
	p.exiting.Store(true)
	close(p.done)
	for _, t := range p.threads {
		t.Host.Kick()
	}
}

// Done is closed when the process's end is decided; its threads may still be on
// their way out.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exiting reports whether the process's end is decided.
func (p *Process) Exiting() bool { return p.exiting.Load() }

// Status returns how the process ended; false while it has not.
func (p *Process) Status() (ExitStatus, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.exiting.Load()
}

// Threads calls f for every thread that has begun and not left, in no order and
// with the list locked: f may kick, and must not call back into the process.
func (p *Process) Threads(f func(*Thread)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.threads {
		f(t)
	}
}

// Counts returns how often each system call was made so far.
func (p *Process) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.ended
	for _, t := range p.threads {
		t.addCounts(&c)
	}
	return c
}
