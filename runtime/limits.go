package runtime

import (
	"errors"
	"fmt"
	"time"

	"cabitrans/runtime/abi"
)

// Limits bound what a guest takes; 0 is no limit, or the one that there is anyway. Each
// process has them for itself: a forked one inherits them, as rlimits are, and so does what
// a process becomes by proc_exec.
type Limits struct {
	// Timeout is how long the process may live, from Start on. When that is over it ends as
	// by Kill, and Exit.TimedOut is set. Forked processes end at the same moment. While a
	// debugger has stopped the process, it does not count.
	Timeout time.Duration

	// Memory is how many bytes may be mapped at a time, whole pages, be they touched or not:
	// mem_map answers ENOMEM beyond. Segments, argument data and the first stack are part
	// of it.
	Memory uint64

	// FDs is how many descriptors there may be: what would need another answers EMFILE.
	FDs int

	// Threads is how many threads there may be: thread_create answers EAGAIN beyond.
	Threads int
}

// ErrLimit is wrapped when a program could not be started because of Config.Limits.
var ErrLimit = errors.New("the limit")

// check says why a program does not fit.
func (l *Limits) check(g *program) error {
	if l.Timeout < 0 || l.FDs < 0 || l.Threads < 0 {
		return fmt.Errorf("%w is negative", ErrLimit)
	}
	if l.FDs > 0 && len(g.fds) > l.FDs {
		return fmt.Errorf("%w is too low: it is granted %d descriptors, and may have %d", ErrLimit, len(g.fds), l.FDs)
	}
	return nil
}

// explain adds the limit to an error of a launch for which memory was missing.
func (l *Limits) explain(err error) error {
	if l.Memory == 0 || !errors.Is(err, abi.ENOMEM) {
		return err
	}
	return fmt.Errorf("%w of %d bytes of memory is too low: %w", ErrLimit, l.Memory, err)
}

// watchTime ends the process when its time is over.
func (p *Process) watchTime() {
	p.time.watch(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.kernel == nil { // it has ended
			return
		}
		if s, ended := p.kernel.Status(); ended && !s.Exec {
			return
		}
		p.timedOut, p.killed = true, true
		p.kernel.Kill(abi.SIGKILL)
	})
}

// left are the limits of a process that is forked now.
func (p *Process) left() Limits {
	l := p.limits
	if l.Timeout > 0 {
		l.Timeout = max(p.time.left(), time.Millisecond) // 0 would be for ever
	}
	return l
}
