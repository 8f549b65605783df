//go:build amd64

package engine

import (
	"fmt"
	"io"
	"runtime/pprof"
	"testing"

	"golang.org/x/sys/unix"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/internal/effort"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestTracedStubs sends a kick, and the signals of Go's own, with every instruction
// of every stub pending, and of the assembly of package host around them. A tracer
// makes sure of the instruction. Most are executed several times in a run: a sample
// of these times is tried, or all (see package effort).
func TestTracedStubs(t *testing.T) { eachTLS(t, testTracedStubs) }

func testTracedStubs(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		// Go's handler of SIGPROF walks the stack only while there is a profile.
		if err := pprof.StartCPUProfile(io.Discard); err != nil {
			t.Fatal(err)
		}
		defer pprof.StopCPUProfile()
		p := newTripper(tr, tls, rewrite.Options{})
		p.fresh = true
		plain := p.run(nil)
		if s := p.wrong(plain); s != "" {
			t.Fatalf("undisturbed: %s; %+v", s, plain.fault)
		}
		s := p.g.engine.stubs
		_, full := effort.Asked(t)
		n := &stubShots{tripper: p, others: make(map[unix.Signal]int), full: full}
		n.all("exit stub", s.ExitLo, s.ExitHi, true, 0)
		n.all("enter stub", s.EnterLo, s.EnterHi, true, 0)
		n.all("runGuest", tr.runGuest[0], tr.runGuest[1], false, 6)
		n.all("interruptible", tr.interruptible[0], tr.interruptible[1], false, 0)
		n.blocking()
		t.Logf("%d instructions, %d kicks, %d SIGURG, %d SIGPROF", n.instructions, n.kicks,
			n.others[unix.SIGURG], n.others[unix.SIGPROF])
	})
}

// foreignSignals are signals whose handlers are Go's own. With a foreign %fs Go takes the
// thread for none of its own: it then forgives the first two, and ends the process at
// the third.
func foreignSignals(tls rewrite.TLS) []unix.Signal {
	if tls.Switch() == codegen.SwitchNone {
		return []unix.Signal{unix.SIGURG, unix.SIGPROF}
	}
	return []unix.Signal{unix.SIGURG, unix.SIGPROF, unix.SIGWINCH}
}

// stubShots counts what was sent.
type stubShots struct {
	*tripper
	full                bool // each time that an instruction is reached, in every variant
	instructions, kicks int
	others              map[unix.Signal]int
}

// all covers the instructions in [lo, hi).
// dead ones among them stand where no way leads, or where a stack grows.
func (n *stubShots) all(what string, lo, hi uint64, cache bool, dead int) {
	shots, text := n.shots(lo, hi, cache)
	if len(shots) == 0 {
		n.t.Fatalf("%s has no instructions", what)
	}
	var missed []string
	times := 0
	for i, s := range shots {
		reached := 0
		for _, v := range stubVariants {
			if reached > 0 && !n.full {
				break
			}
			n.use(v.uses)
			n.prepare, n.before, n.after = v.prepare, v.before, v.after
			k := n.count(s, func(s *shot) *trip { return n.run(s).trip })
			if k == 0 {
				continue
			}
			for nth := range k {
				if !n.full && nth != i%k && nth != k-1 {
					continue
				}
				n.shoot(s, nth, k, v.kicks, unix.Signal(host.KickSignal), what == "enter stub")
			}
			if reached == 0 {
				for _, sig := range foreignSignals(n.g.engine.tls) {
					n.shoot(s, i%k, k, v.kicks, sig, false)
					n.others[sig]++
				}
			}
			reached += k
		}
		if reached == 0 {
			if text[i] == "ud2" {
				continue // for wild jumps only
			}
			missed = append(missed, fmt.Sprintf("%#x %s", s.at, text[i]))
		}
		times += reached
	}
	n.instructions += len(shots)
	n.t.Logf("%s: %d instructions, reached %d times; not reached: %q", what, len(shots), times, missed)
	if len(missed) > dead {
		n.t.Errorf("%s: not every instruction was reached", what)
	}
}

// blocking kicks a thread on its way into a host call that waits: from the first
// instruction to the call itself the kick must come through.
func (n *stubShots) blocking() {
	n.use(0)
	n.prepare, n.before, n.after = nil, nil, nil
	shots, _ := n.shots(n.interruptible[0], n.interruptible[1], false)
	sent := 0
	for _, s := range shots {
		if n.count(s, func(s *shot) *trip { return n.run(s).trip }) < tripReads {
			continue // only for a thread that has been kicked before
		}
		s.nth, s.sig, s.kick = tripReads-1, unix.Signal(host.KickSignal), true
		n.late = true
		o := n.run(&s)
		n.late = false
		if bad := n.wrong(o); bad != "" {
			n.t.Errorf("%v: %s", s, bad)
		}
		sent++
		if string(s.code) == "\x0f\x05" {
			break // behind it the call has been made
		}
	}
	n.kicks += sent
	n.t.Logf("a host call that waits: %d instructions", sent)
}

// stubVariants are runs that are kicked, or not, before the shot, and that use more or less of
// the extended state.
var stubVariants = []struct {
	kicks   uint64
	uses    uint64 // components, as in an XSAVE area's header; 0 for all
	prepare func(*host.Thread)
	before  func(*host.Thread)
	after   func(ht *host.Thread, exit uint32)
}{
	{},
	{uses: 6}, // SSE and AVX
	{uses: 2},
	{kicks: 1, prepare: (*host.Thread).Kick}, // the guest is not entered
	{kicks: tripReads, before: func(ht *host.Thread) { // no host call is begun
		b := ht.Block()
		read := b.Exit == host.ExitCall && b.ExitArg == uint32(slotOf(abi.CallFDRead)) ||
			b.Exit == host.ExitSyscall && b.Regs[decode.RAX] == uint64(abi.CallFDRead.Info().Num2016)
		if read {
			ht.Kick()
		}
	}},
	{kicks: tripCalls, after: func(ht *host.Thread, exit uint32) { // the guest is not returned to
		if exit == host.ExitCall {
			ht.Kick()
		}
	}},
}

// shoot sends one signal the nth of k times that s.at is reached, in a run that is
// kicked so many times besides, and checks what it did. entering says that the
// kick must be seen to in any case: not only when the guest is entered once more.
func (n *stubShots) shoot(s shot, nth, k int, kicks uint64, sig unix.Signal, entering bool) {
	s.nth, s.sig, s.kick = nth, sig, sig == host.KickSignal
	o := n.run(&s)
	if s.kick {
		n.kicks++
		kicks++
	}
	for tries := 1; o.hits <= nth; tries++ {
		// When the times were counted, Go's stack may have grown on the way: the
		// function that found it too small has then begun once more than now.
		if n.count(s, func(s *shot) *trip { return n.run(s).trip }) <= nth {
			return
		}
		if tries == 5 {
			n.t.Errorf("%v: reached %d times only", s, o.hits)
			return
		}
		o = n.run(&s)
	}
	if bad := n.wrong(o); bad != "" {
		n.t.Errorf("%v: %s", s, bad)
	}
	if o.kicked && (entering || nth < k-1 || !s.kick) {
		n.t.Errorf("%v: the kick was lost", s)
	}
	// Two kicks may be seen to at once, and the kernel sees to some.
	if seen := o.stats.Exits[host.ExitKick] + o.stats.Exits[host.ExitAbort]; seen > kicks {
		n.t.Errorf("%v: %d kicks, %d seen to", s, kicks, seen)
	}
}
