//go:build amd64

package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A tracee is the test's side in the traced process. Everything runs on one
// operating-system thread.
type tracee struct {
	t   testing.TB
	g   *guest
	req request
	buf []byte

	runGuest, interruptible [2]uint64 // the assembly around the stubs, by address
}

// becomeTracee announces the thread, waits until it is traced, and runs test.
func becomeTracee(t *testing.T, test func(*tracee)) {
	runtime.LockOSThread() // for good: the tracer follows the thread
	answer := os.NewFile(3, "answer")
	tr := &tracee{t: t, buf: make([]byte, 1<<20)}
	fmt.Fprintf(answer, "%d %d\n", unix.Gettid(), addressOf(&tr.req))
	answer.Close()
	if _, err := io.ReadAll(os.Stdin); err != nil {
		t.Fatal(err)
	}
	defer tr.ask(opEnd)
	test(tr)
}

// A scope is a part of the tracee's test that ends with its own cleanups: a subtest
// would run on another thread.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// scope runs f, and what f registers for the end.
func (tr *tracee) scope(f func(*tracee)) {
	s := &scope{TB: tr.t}
	defer func() {
		for _, f := range slices.Backward(s.cleanups) {
			f()
		}
	}()
	outer, g := tr.t, tr.g
	tr.t = s
	f(tr)
	tr.t, tr.g = outer, g
}

func addressOf(p any) uint64 { return uint64(reflect.ValueOf(p).Pointer()) }

// ask stops the thread so that the tracer sees to the request.
func (tr *tracee) ask(op uint64) {
	tr.req.Op = op
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), askSignal); err != nil {
		tr.t.Fatal(err)
	}
}

// A shot is one signal to be sent at one instruction.
type shot struct {
	at    uint64 // host address
	cache bool   // it lies in the code cache
	nth   int    // time of reaching it, from 0 on
	sig   unix.Signal
	kick  bool
	code  []byte // the instruction, where it is known
}

func (s shot) String() string {
	return fmt.Sprintf("%v at %#x, time %d", s.sig, s.at, s.nth)
}

// arm asks for a shot once its instruction exists: translations appear as they are
// needed.
func (tr *tracee) arm(s *shot, b *host.Block) (armed bool) {
	alias := s.at
	if s.cache {
		e := tr.g.engine
		switch {
		case s.at >= coldLo && s.at >= e.rw.Cold.PC(), s.at < coldLo && s.at >= e.rw.Hot.PC():
			return false
		}
		alias = addressOf(&e.space.Code()[s.at-host.CacheLo])
	}
	tr.req.At, tr.req.Alias, tr.req.Skip, tr.req.Signal, tr.req.Kick = s.at, alias, uint64(s.nth), uint64(s.sig), 0
	if s.kick {
		tr.req.Kick = addressOf(&b.Kick)
	}
	tr.ask(opArm)
	return true
}

// A trip is one run of a program and what came of it.
type trip struct {
	fault   *Fault
	hits    int
	kicked  bool // at the end
	stats   ThreadStats
	settled []boundary // where kicks found the guest
}

// run executes a thread from pc on, with a shot if s is not nil.
// The functions, which may be nil, are called before the run, before an exit is
// served and after.
func (tr *tracee) run(pc uint64, s *shot, prepare, before func(*host.Thread), after func(*host.Thread, uint32)) *trip {
	ht, err := host.NewThread(0)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer ht.Close()
	if err := tr.g.kernel.Reserve(); err != nil {
		tr.t.Fatal(err)
	}
	kt := tr.g.kernel.NewThread(ht)
	defer kt.Leave()
	et := tr.g.engine.NewThread(ht, kt, abi.Calls2020(), Start{RIP: pc, RSP: tr.g.stack - 8, RDI: tr.g.data})
	defer et.Close()
	b := ht.Block()
	if prepare != nil {
		prepare(ht)
	}
	out := new(trip)
	if out.fault = et.toCode(pc, false); out.fault != nil {
		tr.t.Fatal(out.fault)
	}
	armed := s == nil
	tryArm := func() {
		if !armed {
			armed = tr.arm(s, b)
		}
	}
	tryArm()
	serve := et.server()
	ht.Run(et.stub, func() uint64 {
		if tr.runGuest[0] == 0 {
			tr.findAssembly()
		}
		exit := b.Exit
		if before != nil {
			before(ht)
		}
		stub := serve()
		if exit == host.ExitKick {
			out.settled = append(out.settled, boundary{b.RIP, b.Flags & guestFlags, b.Regs, tr.look()})
		}
		if after != nil {
			after(ht, exit)
		}
		tryArm()
		return stub
	})
	if armed && s != nil {
		tr.ask(opDisarm)
		out.hits = int(tr.req.Hits)
	}
	out.fault, out.kicked, out.stats = et.ended, ht.Kicked(), et.stats
	return out
}

// look reads the ranges of the request.
func (tr *tracee) look() (b []byte) {
	for _, l := range tr.req.Look {
		m := make([]byte, l[1])
		if _, err := host.CopyIn(m, l[0]); err != nil {
			tr.t.Fatal(err)
		}
		b = append(b, m...)
	}
	return b
}

// count is the number of times that a run reaches s.at.
func (tr *tracee) count(s shot, run func(*shot) *trip) int {
	s.sig, s.kick = 0, false
	return run(&s).hits
}

// findAssembly finds the two routines of package host whose instructions a kick
// must find, from below the first.
func (tr *tracee) findAssembly() {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "host.runGuest") {
			tr.runGuest = extent(f.Func.Entry(), "host.runGuest")
			tr.interruptible = extent(uintptr(tr.runGuest[1]), "host.interruptible",
				"host.interruptibleCall", "host.interruptedCall")
			return
		}
		if !more {
			tr.t.Fatal("runGuest is not on the stack")
		}
	}
}

// extent is the range of functions that follow each other from pc on, or soon
// after; 0 if they do not.
func extent(pc uintptr, names ...string) (r [2]uint64) {
	const far = 4096
	for end := pc + far; pc < end; pc++ {
		f := runtime.FuncForPC(pc)
		in := false
		for _, n := range names {
			in = in || f != nil && strings.HasSuffix(f.Name(), n)
		}
		switch {
		case in && r[0] == 0:
			r[0] = uint64(pc)
		case !in && r[0] != 0:
			r[1] = uint64(pc)
			return r
		}
	}
	return r
}

// shots returns one for every instruction in [lo, hi), without padding.
func (tr *tracee) shots(lo, hi uint64, cache bool) (list []shot, text []string) {
	mem := make([]byte, hi-lo+decode.MaxLen)
	if cache {
		copy(mem, tr.g.engine.space.Code()[lo-host.CacheLo:])
	} else {
		f, err := os.Open("/proc/self/mem")
		if err != nil {
			tr.t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.ReadAt(mem, int64(lo)); err != nil && !errors.Is(err, io.EOF) {
			tr.t.Fatal(err)
		}
	}
	for pc := lo; pc < hi; {
		code := mem[pc-lo:]
		var in decode.Inst
		if err := in.Decode(code, pc); err != nil {
			tr.t.Fatalf("host code at %#x: %v", pc, err)
		}
		if !padding(&in) {
			list = append(list, shot{at: pc, cache: cache, code: code[:in.Len]})
			text = append(text, in.Text(code, nil))
		}
		pc += uint64(in.Len)
	}
	return list, text
}

// padding reports int3 and the no-operations.
func padding(in *decode.Inst) bool {
	return in.OpMap == 0 && (in.Opcode == breakpoint || in.Opcode == 0x90 && in.Rex&decode.RexB == 0) ||
		in.OpMap == 1 && in.Opcode == 0x1f
}
