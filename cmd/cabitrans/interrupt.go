package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"cabitrans/runtime"
)

// A run is not over with a signal: the program is ended, what was asked for of it gets
// written, and only then the signal takes its course.

// interrupted is why a context is done.
type interrupted struct{ syscall.Signal }

func (i interrupted) Error() string { return "interrupted (" + i.String() + ")" }

// interruptible is the context of a run, which ends with the first of these signals. The
// second one does not wait for anything.
func interruptible() (ctx context.Context, stop func()) {
	heeded := runtime.EndingSignals()
	ctx, cancel := context.WithCancelCause(context.Background())
	come := make(chan os.Signal, 1)
	if len(heeded) > 0 { // none would mean all
		signal.Notify(come, heeded...)
	}
	// What cannot be written because nobody reads is an error of that output, no end of the
	// program: it may have another, and is told of its own by EPIPE.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		select {
		case s := <-come:
			signal.Reset(heeded...)
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

// resume ends this process by the signal that has interrupted the run, if one has: whoever
// has started it sees the signal, and a shell 128 and its number. Where that is not
// possible, it returns that status.
func resume(ctx context.Context, status int) int {
	var i interrupted
	if !errors.As(context.Cause(ctx), &i) {
		return status
	}
	runtime.EndBy(i.Signal)
	return 128 + int(i.Signal)
}
