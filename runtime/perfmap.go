package runtime

import (
	"bufio"
	"fmt"
	"strings"
)

// writePerfMap writes the map for perf, if one was asked for, in the form of the Linux
// kernel's tools/perf/Documentation/jit-interface.txt: start and size in hexadecimal
// digits, and a name.
func (p *Process) writePerfMap() error {
	if p.perfMap == nil || p.engine == nil {
		return nil
	}
	w := bufio.NewWriter(p.perfMap)
	p.translated(func(lo, hi uint64, name string) { fmt.Fprintf(w, "%x %x %s\n", lo, hi-lo, name) })
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the map for perf cannot be written: %w", err)
	}
	return nil
}

// translated calls visit for what has been translated of each function, or is executed where
// it lies: code of the host from lo up to hi.
func (p *Process) translated(visit func(lo, hi uint64, name string)) {
	var lo, hi uint64 // of the function that visit has not been called for yet
	var name string
	done := func() {
		if lo < hi {
			visit(lo, hi, name)
		}
	}
	p.engine.Code(func(from, to, guest uint64) {
		n := p.codeName(guest)
		if from != hi || n != name {
			done()
			lo, name = from, n
		}
		hi = to
	})
	done()
}

// PerfMapErr waits until the process has ended, and says whether the map for perf could be
// written.
func (p *Process) PerfMapErr() error {
	<-p.ended
	return p.perfMapErr
}

// codeName names what the translation of guest code belongs to.
func (p *Process) codeName(guest uint64) string {
	l := p.locate(guest)
	switch {
	case l.Symbol != "":
		return strings.ReplaceAll(l.Symbol, "\n", "?")
	case l.Inside:
		return "[executable]"
	case guest == 0:
		return "[cabitrans]"
	case guest-p.vdso.Text < p.vdso.Stride*uint64(p.vdso.Count):
		return "[vdso]"
	}
	return "[code outside of the executable]"
}
