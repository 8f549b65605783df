package strace

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/kernel"
)

// Options say what is written and how.
type Options struct {
	Filter  Filter // which calls; the zero value is all
	Summary bool   // counts and times at the end, instead of calls
	Times   bool   // each line begins with the time of day
}

// Tracer writes calls down. Its methods may be called by several threads.
type Tracer struct {
	options Options

	mu    sync.Mutex
	out   io.Writer
	open  abi.Tid // the thread whose line has no end yet, 0 for none
	line  string  // that line so far
	lines uint64  // how many were begun
	calls [abi.NumCalls]tally
	began map[abi.Tid]time.Time // calls in progress
	err   error
	quit  chan struct{} // closed by Close
}

// patience is for how long a line may wait for the end of its call before it is
// written without.
const patience = 50 * time.Millisecond

// New returns a Tracer that writes to out. The first error of out silences it; Close
// returns that.
func New(out io.Writer, o Options) *Tracer {
	t := &Tracer{options: o, out: out, began: make(map[abi.Tid]time.Time), quit: make(chan struct{})}
	if !o.Summary {
		go t.watch()
	}
	return t
}

// watch shows the calls that block.
func (t *Tracer) watch() {
	tick := time.NewTicker(patience)
	defer tick.Stop()
	last := uint64(0)
	for {
		select {
		case <-t.quit:
			return
		case <-tick.C:
		}
		t.mu.Lock()
		if t.lines == last {
			t.cut()
		}
		last = t.lines
		t.mu.Unlock()
	}
}

// Close writes the summary, if one was asked for, and says what went wrong.
func (t *Tracer) Close() error {
	close(t.quit)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut()
	if t.options.Summary && t.err == nil {
		t.write(summary(&t.calls))
	}
	return t.err
}

// Enter begins the line of a call.
func (t *Tracer) Enter(th *kernel.Thread, c abi.Call, args *[8]uint64) {
	if !t.options.Filter.Has(c) {
		return
	}
	if t.options.Summary {
		t.mu.Lock()
		t.began[th.Tid] = time.Now()
		t.mu.Unlock()
		return
	}
	f := formatter{mem: th.Process().Memory()}
	f.inputs(c, args)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut()
	t.line = t.prefix(th.Tid) + c.String() + "(" + f.String()
	t.open = th.Tid
	t.lines++
}

// Exit ends the line of a call.
func (t *Tracer) Exit(th *kernel.Thread, c abi.Call, args *[8]uint64, r0, r1 uint64, o kernel.Outcome) {
	if !t.options.Filter.Has(c) {
		return
	}
	if t.options.Summary {
		t.count(th.Tid, c, o)
		return
	}
	f := formatter{mem: th.Process().Memory()}
	if o.Action == kernel.ActionContinue {
		f.outputs(c, args, r0, o.Errno)
		f.result(c, r0, r1, o.Errno)
		f.text(reason(th.Why()))
	} else {
		f.text(") = ?") // the thread does not come back
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	begin := t.line
	if t.open != th.Tid {
		t.cut()
		begin = t.prefix(th.Tid) + "<... " + c.String() + " resumed>"
	}
	t.open = 0
	t.write(begin + f.String() + "\n")
}

// reason is what is written behind an errno: what is known besides, if it is more than another number's name.
func reason(why error) string {
	if _, number := why.(abi.Errno); number || why == nil {
		return ""
	}
	return " (" + why.Error() + ")"
}

// count adds a call to the summary.
func (t *Tracer) count(tid abi.Tid, c abi.Call, o kernel.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &t.calls[c]
	n.calls++
	n.time += time.Since(t.began[tid])
	delete(t.began, tid)
	if o.Action == kernel.ActionContinue && o.Errno != 0 {
		n.errors++
	}
}

// cut ends a line that is not done.
func (t *Tracer) cut() {
	if t.open != 0 {
		t.open = 0
		t.write(t.line + " <unfinished ...>\n")
	}
}

// prefix begins a line: the thread, and the time of day when asked for.
func (t *Tracer) prefix(tid abi.Tid) string {
	s := strconv.FormatUint(uint64(tid), 10) + " "
	if t.options.Times {
		s += time.Now().Format("15:04:05.000000") + " "
	}
	return s
}

func (t *Tracer) write(s string) {
	if t.err != nil {
		return
	}
	if _, err := io.WriteString(t.out, s); err != nil {
		t.err = fmt.Errorf("system calls can no longer be written down: %w", err)
	}
}
