//go:build amd64

package engine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestTracedSequences kicks a thread at every host instruction of stepCode, every
// time that it is executed. The state that is then settled on must be one that the
// CPU goes through when it runs the program itself, and so must be the end.
func TestTracedSequences(t *testing.T) { eachTLS(t, testTracedSequences) }

func testTracedSequences(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		for _, o := range optionsOf(tls) {
			tracedProgram(tr, tls, o, &sequencer{code: stepCode, end: stepEnd, least: 200})
		}
	})
}

// tracedProgram runs the program of s with kicks everywhere.
func tracedProgram(tr *tracee, tls rewrite.TLS, o rewrite.Options, s *sequencer) {
	tr.scope(func(tr *tracee) {
		tr.g = newGuestTLS(tr.t, tls)
		tr.g.setOptions(o)
		tr.g.put(tr.g.code, s.code)
		s.tracee, s.keep, s.strict = tr, o.KeepR11, o.Strict
		s.native()
		s.all(fmt.Sprintf("%+v", o))
		s.leaves = s.g.engine.Stats().Leaves
	})
}

// sequencer runs a program.
type sequencer struct {
	*tracee
	code   string
	end    uint64 // where it ends, with ud2
	least  int    // host instructions that it executes, or more
	leaves uint64 // calls that were translated to copies, when it has ended
	keep   bool
	strict bool
	trace  nativeTrace
	word   uint64 // the guest's %fs word
	counts bool   // blocks are, and every run is checked

}

const (
	stepData  = 256
	stepFS    = 64
	stepStack = 256
)

// prepare makes memory what it is at the start. Thread blocks are used again, so
// that all runs have the same.
func (s *sequencer) prepare(ht *host.Thread) {
	if s.word != 0 && s.word != ht.FSWord {
		s.t.Fatalf("another thread block, %#x", ht.FSWord)
	}
	s.word = ht.FSWord
	for addr, b := range map[uint64][]byte{
		s.word:                append([]byte{0x77}, make([]byte, stepFS-1)...),
		s.g.data:              make([]byte, stepData),
		s.g.stack - stepStack: make([]byte, stepStack),
	} {
		if _, err := host.CopyOut(addr, b); err != nil {
			s.t.Fatal(err)
		}
	}
}

// native has the CPU run the program.
func (s *sequencer) native() {
	ht, err := host.NewThread(0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer ht.Close()
	s.prepare(ht)
	g, q := s.g, &s.req
	protect := func(prot uintptr) {
		if _, _, e := unix.Syscall(unix.SYS_MPROTECT, uintptr(g.code), host.PageSize, prot); e != 0 {
			s.t.Fatalf("make guest text executable: %v", e)
		}
	}
	protect(unix.PROT_READ | unix.PROT_EXEC)
	q.RIP, q.RSP, q.RDI, q.FSBase = g.code, g.stack-8, g.data, s.word
	q.Look = [lookRanges][2]uint64{{g.data, stepData}, {s.word, stepFS}, {g.stack - stepStack, stepStack}}
	q.Buf, q.BufLen = addressOf(&s.buf[0]), uint64(len(s.buf))
	s.ask(opNative)
	protect(unix.PROT_READ)

	s.trace = nativeTrace{stack: g.stack, nstack: stepStack, strict: s.strict}
	const size = boundaryHead + stepData + stepFS + stepStack
	knows, flags := true, true
	for i := range int(q.Hits) {
		b := readBoundary(bytes.Clone(s.buf[i*size : (i+1)*size]))
		s.trace.list = append(s.trace.list, b)
		s.trace.knows, s.trace.flags = append(s.trace.knows, knows), append(s.trace.flags, flags)
		in, err := (&Thread{engine: g.engine}).decode(b.RIP)
		switch {
		case err != nil:
			s.t.Fatalf("the CPU executed %#x: %v", b.RIP, err)
		case in.Flow == decode.FlowRet:
			knows, s.trace.knows[i] = false, false // dead at the return already
			flags, s.trace.flags[i] = false, false
		case in.Flow == decode.FlowCallInd:
			knows, s.trace.knows[i] = false, s.trace.knows[i] && in.Reads.Has(decode.R11)
		case in.Flow == decode.FlowJumpInd:
			knows = false // the jump's target may be seen not to read it; what the end comes to shows if it did
		case in.Writes>>decode.R11&1 != 0:
			knows = true
		}
		if in.FlagsWritten&decode.FlagsArith == decode.FlagsArith {
			flags = true
		}
	}
	if end := s.trace.list[len(s.trace.list)-1].RIP; end != g.code+s.end {
		s.t.Fatalf("the CPU came to code+%#x", end-g.code)
	}
}

// run is one run, whose end is checked, too.
func (s *sequencer) run(sh *shot) *trip {
	insts, targets := s.executed()
	o := s.tracee.run(s.g.code, sh, s.prepare, nil, nil)
	s.checkCounts(sh, insts, targets)
	if o.fault == nil || o.fault.Signal != SigILL {
		s.t.Fatalf("%+v", o.fault)
	}
	s.check(&boundary{o.fault.RIP, o.fault.Flags & guestFlags, o.fault.Regs, s.look()}, sh, "the end")
	return o
}

// check looks b up in the native trace.
func (s *sequencer) check(b *boundary, sh *shot, what string) int {
	i := s.trace.find(b, s.keep)
	if i < 0 {
		s.t.Errorf("%v: %s is no state of the CPU's: %s", sh, what, s.trace.nearest(b, s.keep))
	}
	return i
}

// all kicks everywhere.
func (s *sequencer) all(name string) {
	for range 3 {
		s.run(nil) // links and fills tables
	}
	e := s.g.engine
	var seen []bool
	host0 := 0
	kicks := 0
	for _, m := range slices.Concat(slices.Concat(e.hotMarks...), e.rw.HotMarks, slices.Concat(e.coldMarks...), e.rw.ColdMarks) {
		sh := shotAt(m)
		k := s.count(sh, s.run)
		if k > 0 {
			host0++
		}
		last := -1
		for nth := range k {
			sh.nth, sh.sig, sh.kick = nth, unix.Signal(host.KickSignal), true
			o := s.run(&sh)
			if len(o.settled) != 1 || o.kicked {
				s.t.Errorf("%v: %d times kicked, not seen to: %v", sh, len(o.settled), o.kicked)
				continue
			}
			i := s.check(&o.settled[0], &sh, "the state after the kick")
			if i >= 0 && i < last {
				s.t.Errorf("%v: at boundary %d, but the time before at %d", sh, i, last)
			}
			last = i
			if seen == nil {
				seen = make([]bool, len(s.trace.list))
			}
			if i >= 0 {
				seen[i] = true
			}
			kicks++
		}
		if k > 0 {
			sh.kick = false
			for _, sh.sig = range foreignSignals(s.g.engine.tls) {
				sh.nth = k - 1
				s.run(&sh)
			}
		}
	}
	n := 0
	for _, b := range seen {
		if b {
			n++
		}
	}
	s.t.Logf("%s: %d host instructions executed, %d kicks, at %d of the CPU's %d boundaries",
		name, host0, kicks, n, len(seen))
	if host0 < s.least || n < len(seen)/2 {
		s.t.Errorf("%s: few of them", name)
	}
}

// shotAt is one at the host instruction of a mark.
func shotAt(m rewrite.Mark) shot { return shot{at: host.CacheLo + uint64(m.Host), cache: true} }

// TestTracedTranslations does the like with code that has just been translated:
// exits of branches that are not linked yet, look-ups that miss, calls of the vDSO,
// raw calls. Each host instruction gets one kick in every run that reaches it.
func TestTracedTranslations(t *testing.T) { eachTLS(t, testTracedTranslations) }

func testTracedTranslations(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		for _, o := range []rewrite.Options{{}, {KeepR11: true}, {KeepR11: true, Strict: true}} {
			tr.scope(func(tr *tracee) { kickTranslations(tr, tls, o) })
		}
	})
}

func kickTranslations(tr *tracee, tls rewrite.TLS, o rewrite.Options) {
	t := tr.t
	p := newTripper(tr, tls, o)
	p.fresh = true
	if s := p.wrong(p.run(nil)); s != "" {
		t.Fatalf("undisturbed: %s", s)
	}
	e := p.g.engine
	permanent := e.marks[e.returns.Load()]
	var list []shot
	for _, m := range slices.Concat(permanent, e.rw.HotMarks, e.rw.ColdMarks) {
		list = append(list, shotAt(m))
	}
	hit := 0
	for _, s := range list {
		s.sig, s.kick = unix.Signal(host.KickSignal), true
		o := p.run(&s)
		if o.hits == 0 {
			continue
		}
		hit++
		if bad := p.wrong(o); bad != "" {
			t.Errorf("%v: %s", s, bad)
		}
		if len(o.settled) != 1 || o.kicked {
			t.Errorf("%v: %d times kicked, not seen to: %v", s, len(o.settled), o.kicked)
		}
	}
	t.Logf("%+v: %d of %d host instructions", o, hit, len(list))
	if hit < 200 {
		t.Errorf("few of them")
	}
}
