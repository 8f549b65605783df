package runtime

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"cabitrans/runtime/host"
)

// EndingSignals are the signals that end a program and leave it the time to write what was
// asked for, without those that were ignored when this program began, as nohup has it and a
// shell for what runs in the background. Go would take some of them for a reason to print
// stacks of its own, and let others pass.
func EndingSignals() (heeded []os.Signal) {
	for _, s := range append([]os.Signal{
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM,
	}, host.EndingSignals...) {
		if !signal.Ignored(s) {
			heeded = append(heeded, s)
		}
	}
	return heeded
}

// EndBy ends this program by a signal, so that whoever has started it sees that signal. It
// returns where that is not possible.
func EndBy(s syscall.Signal) { host.EndBy(s) }

// heedSignals has signals end a forked process in the way that they end its parent: it is
// killed, what was asked for is written, and only then, by resume, the signal takes its
// course. The second one waits for nothing.
func (p *Process) heedSignals() (resume func()) {
	heeded := EndingSignals()
	come := make(chan os.Signal, 1)
	if len(heeded) > 0 { // none would mean all
		signal.Notify(come, heeded...)
	}
	var by atomic.Int32
	go func() {
		s, _ := (<-come).(syscall.Signal)
		signal.Reset(heeded...)
		by.Store(int32(s))
		p.Kill()
	}()
	return func() {
		if s := by.Load(); s != 0 {
			EndBy(syscall.Signal(s))
		}
	}
}

// lastWrites is how long a forked process may take to write what was asked for, when its
// descriptor is gone.
const lastWrites = 10 * time.Second

// dieWith ties the life of a forked process to that of its descriptor, of which it has the
// end fd: the host's kernel kills it, unless it has something to write before.
func (p *Process) dieWith(fd int) error {
	if p.profile != nil || p.executed != nil || p.codeLog != nil || p.tracer != nil {
		err := host.OnHangup(fd, func() {
			p.Kill()
			time.Sleep(lastWrites)
			host.KillSelf()
		})
		if err == nil {
			return nil
		}
	}
	return host.KillOnHangup(fd)
}
