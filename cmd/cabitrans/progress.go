package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"cabitrans/runtime"
)

// A progress is one line on a terminal that says what is being done.
type progress struct{ to io.Writer }

// newProgress shows nothing unless w is a terminal.
func newProgress(w io.Writer) progress {
	if f, ok := w.(*os.File); ok && runtime.IsTerminal(f) {
		return progress{w}
	}
	return progress{}
}

// eraseLine is the terminal's control sequence.
const eraseLine = "\r\x1b[K"

func (p progress) show(what string) {
	if p.to != nil {
		fmt.Fprint(p.to, eraseLine+what)
	}
}

func (p progress) clear() { p.show("") }

// progressEvery is the time from one look at a running program to the next.
const progressEvery = 500 * time.Millisecond

// follow shows what a program has done so far, until stop is called.
func (p progress) follow(process *runtime.Process) (stop func()) {
	if p.to == nil {
		return func() {}
	}
	begin := time.Now()
	end, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.show(progressLine(time.Since(begin), process.Stats()))
			case <-end:
				p.clear()
				return
			}
		}
	}()
	return func() {
		close(end)
		<-gone
	}
}

// progressLine is short enough for a narrow terminal.
func progressLine(elapsed time.Duration, s runtime.Stats) string {
	calls := uint64(0)
	for _, n := range s.Calls {
		calls += n
	}
	return fmt.Sprintf("%v: %d instructions translated, %d calls, %d MiB", elapsed.Round(time.Second/10), s.Instructions,
		calls, s.MappedBytes>>20)
}
