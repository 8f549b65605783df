package codelog

import (
	"bytes"
	"fmt"
	"io"

	"cabitrans/rewrite"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/listing"
)

// A Log writes down what becomes of translations. It implements engine.Watcher.
type Log struct {
	to      io.Writer
	items   Items
	ranges  []Range // nil for all addresses
	place   func(addr uint64) string
	regions int // since the log began
	out     bytes.Buffer
	err     error
}

// New returns a Log that writes items to w.
func New(w io.Writer, items Items) *Log { return &Log{to: w, items: items} }

// Begin begins a program: place names addresses in memory, and filter says which are of interest. The error is that of
// filter, some names of which are unknown.
func (l *Log) Begin(filter Filter, place func(addr uint64) string, symbol Symbol) error {
	l.place, l.ranges = place, nil
	if len(filter) == 0 {
		return nil
	}
	ranges, err := filter.Resolve(symbol)
	l.ranges = append([]Range{}, ranges...)
	return err
}

// Err is why the log is not whole.
func (l *Log) Err() error { return l.err }

// wants reports whether a part of [lo, hi) is of interest.
func (l *Log) wants(lo, hi uint64) bool {
	for _, r := range l.ranges {
		if lo < r.Hi && r.Lo < hi {
			return true
		}
	}
	return l.ranges == nil
}

// flush writes an event.
func (l *Log) flush() {
	if l.err == nil {
		_, l.err = l.to.Write(l.out.Bytes())
	}
	l.out.Reset()
}

// printf adds to the event that is being written.
func (l *Log) printf(format string, args ...any) { fmt.Fprintf(&l.out, format, args...) }

// address is an address with its name.
func (l *Log) address(addr uint64) string {
	if s := l.place(addr); s != "" {
		return fmt.Sprintf("%#x <%s>", addr, s)
	}
	return fmt.Sprintf("%#x", addr)
}

// Translated writes a region.
func (l *Log) Translated(t *engine.Translation) {
	l.regions++
	if t.VDSO {
		l.vdso(t)
		return
	}
	all := blocks(t)
	wanted := all[:0:0]
	for _, b := range all {
		if l.wants(b.lo(), b.hi()) {
			wanted = append(wanted, b)
		}
	}
	if len(wanted) > 0 && l.items&(InASM|OutASM|Blocks) != 0 {
		l.region(t, len(all))
		w := l.newLines(t)
		for _, b := range wanted {
			w.block(b)
		}
		w.rest()
	}
	if l.items&Links != 0 {
		for i := range t.Refs {
			l.branch(&t.Refs[i])
		}
	}
	l.flush()
}

// region writes the head of a region of n blocks.
func (l *Log) region(t *engine.Translation, n int) {
	insts, size := 0, 0
	for i := range t.Runs {
		insts += len(t.Runs[i].Insts)
		size += len(t.Runs[i].Code)
	}
	l.printf("----------------\nregion %d, for %s", l.regions, l.address(t.Entry))
	if t.Alone {
		l.printf(", to be executed once")
	}
	l.printf(": %s, %s, %s of guest", count(n, "block"), count(insts, "instruction"), count(size, "byte"))
	if l.items&OutASM != 0 {
		l.printf(", %s of host at %#x", count(len(t.Host), "byte"), t.HostPC)
	}
	l.printf("\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// vdso writes the translation of a system call's entry.
func (l *Log) vdso(t *engine.Translation) {
	if l.items&(InASM|OutASM|Blocks) == 0 || !l.wants(t.Entry, t.Entry+1) {
		return
	}
	l.printf("----------------\nregion %d, for %s: a system call\n", l.regions, l.address(t.Entry))
	if l.items&OutASM != 0 {
		names := listing.Names{Place: l.place, Host: stubNames(t.Stubs)}
		for _, c := range names.HostCode(t.Host, t.HostPC) {
			l.printf("%s\n", listing.Right(&c))
		}
	}
	l.flush()
}

// branch writes where a branch of a new region leads.
func (l *Log) branch(b *engine.Branch) {
	if b.To == engine.ToInside || !l.wants(b.From, b.From+1) && !l.wants(b.Target, b.Target+1) {
		return
	}
	verb := "link"
	if b.To == engine.ToExit {
		verb = "wait"
	}
	l.printf("%s: %s at %s to %s\n", verb, kind(b.Kind), l.address(b.From), l.address(b.Target))
}

func kind(k rewrite.RefKind) string {
	if k == rewrite.RefCall {
		return "call"
	}
	return "jump"
}

// Linked writes that a branch waits no more.
func (l *Log) Linked(from, target uint64, k rewrite.RefKind) {
	if l.items&Links == 0 || !l.wants(from, from+1) && !l.wants(target, target+1) {
		return
	}
	l.printf("link: %s at %s to %s, which has waited\n", kind(k), l.address(from), l.address(target))
	l.flush()
}

// Missed writes that an indirect branch had to be looked up.
func (l *Log) Missed(target uint64, call bool) {
	if l.items&Links == 0 || !l.wants(target, target+1) {
		return
	}
	what := "jump or return"
	if call {
		what = "call"
	}
	l.printf("miss: indirect %s to %s\n", what, l.address(target))
	l.flush()
}

// Dropped writes that everything is gone.
func (l *Log) Dropped(why engine.Drop) {
	if l.items&(Links|Blocks) == 0 {
		return
	}
	reason := "the code cache is full"
	switch why {
	case engine.DropCode:
		reason = "code that was translated changes"
	case engine.DropOptions:
		reason = "the program needs translations of another kind"
	}
	l.printf("unlink: all translations and links are dropped: %s\n", reason)
	l.flush()
}
