package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cabitrans/runtime"
)

// A run of which something is to be written at its end is not over with a signal: the
// program is ended, what there is gets written, and only then the signal takes its course.

// interrupted is why a context is done.
type interrupted struct{ syscall.Signal }

func (i interrupted) Error() string { return "interrupted (" + i.String() + ")" }

// interruptible is the context of such a run; of every other one it has no end.
func interruptible(c *runtime.Config) (ctx context.Context, stop func()) {
	if c.Profile == nil && c.PerfMap == nil {
		return context.Background(), func() {}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	come := make(chan os.Signal, 1)
	signal.Notify(come, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-come:
			signal.Reset() // the next one does not wait
			n, _ := s.(syscall.Signal)
			cancel(interrupted{n})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(come)
		cancel(nil)
	}
}

// resume ends this process by the signal that has interrupted the run, if one has. Where
// that is not possible, it returns a status that says the same.
func resume(ctx context.Context, status int) int {
	var i interrupted
	if !errors.As(context.Cause(ctx), &i) {
		return status
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(i.Signal) == nil {
		time.Sleep(time.Second) // it may reach another thread
	}
	return 128 + int(i.Signal)
}
