//go:build amd64

package runtime_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/internal/debugregs"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/gdb"
	"cabitrans/runtime/gdb/gdbtest"
	"cabitrans/runtime/loader"
)

// A debugged guest is one with a debugger, stopped before its first instruction.
type debugged struct {
	*gdbtest.Client
	t    *testing.T
	p    *runtime.Process
	addr net.Addr
	base uint64
	syms *loader.SymTab
	end  func() result
}

// debugGuest starts a guest and connects; end waits for it as guestRun's.
func debugGuest(t *testing.T, g guestRun) *debugged {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	more := g.watch
	g.watch = func(c *runtime.Config) {
		c.Debug = &runtime.Debug{Listener: l, Wait: true}
		if more != nil {
			more(c)
		}
	}
	d := &debugged{t: t, addr: l.Addr()}
	d.p, d.end = g.start(t)
	ended := false
	wait := d.end
	d.end = func() result { ended = true; return wait() }
	t.Cleanup(func() { // one process at a time
		if !ended {
			d.p.Kill()
			wait()
		}
	})
	exe, err := os.Open(filepath.Join(guests, "bin", g.name))
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	info, _ := exe.Stat()
	if d.syms, err = loader.Symbols(exe, info.Size()); err != nil {
		t.Fatal(err)
	}
	d.connect()
	m := d.Match("qOffsets", "Text=([0-9a-f]+);Data=[0-9a-f]+;Bss=[0-9a-f]+")
	d.base, _ = strconv.ParseUint(m[0], 16, 64)
	return d
}

func (d *debugged) connect() { d.Client = gdbtest.Dial(d.t, d.addr) }

// connectAgain connects when the server has seen another debugger off.
func (d *debugged) connectAgain() {
	d.t.Helper()
	for {
		if c := gdbtest.TryDial(d.t, d.addr); c != nil {
			d.Client = c
			return
		}
	}
}

// at is the address of a function or variable.
func (d *debugged) at(name string) uint64 {
	d.t.Helper()
	a, ok := d.syms.Addr(name)
	if !ok {
		d.t.Fatalf("the guest has no symbol %s", name)
	}
	return d.base + a
}

// breakAt sets a breakpoint, or clears it again, in this order.
func (d *debugged) breakAt(name string) {
	d.t.Helper()
	d.Want(fmt.Sprintf("Z0,%x,1", d.at(name)), "OK")
}
func (d *debugged) unbreakAt(name string) {
	d.t.Helper()
	d.Want(fmt.Sprintf("z0,%x,1", d.at(name)), "OK")
}

// goTo runs to a breakpoint at a function, and clears it.
func (d *debugged) goTo(name string) gdbtest.Stop {
	d.t.Helper()
	d.breakAt(name)
	s := d.Resume("vCont;c")
	if _, swbreak := s.Fields["swbreak"]; !swbreak || s.Signal != gdb.SIGTRAP {
		d.t.Fatalf("on the way to %s: %+v", name, s)
	}
	d.Want("Hg"+s.Thread, "OK")
	if rip := d.Register(gdbtest.RIP); rip != d.at(name) {
		d.t.Fatalf("the breakpoint at %s, %#x, stops at %#x", name, d.at(name), rip)
	}
	d.unbreakAt(name)
	return s
}

// exits lets the guest run to its end.
func (d *debugged) exits(code int, out string) {
	d.t.Helper()
	if s := d.Resume("vCont;c"); s.Kind != 'W' || s.Signal != code {
		d.t.Fatalf("at the end: %+v", s)
	}
	r := d.end()
	r.expect(d.t, code)
	if !strings.Contains(r.stdout, out) {
		d.t.Errorf("it wrote %q, want %q", r.stdout, out)
	}
}

const debugOK = "debug ok total=55 vector=6 area=12\n"

// TestDebugBreakpoint: a breakpoint is hit as often as control comes by, memory shows
// nothing of it, and registers and arguments are there.
func TestDebugBreakpoint(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug"})
	code := d.Memory(d.at("add"), 16)
	for _, kind := range []string{"0", "1"} {
		d.Want(fmt.Sprintf("Z%s,%x,1", kind, d.at("add")), "OK")
	}
	for i := range uint64(10) {
		s := d.Resume("vCont;c")
		d.Want("Hg"+s.Thread, "OK")
		if rip, b := d.Register(gdbtest.RIP), d.Register(gdbtest.RSI); rip != d.at("add") || b != i+1 {
			t.Fatalf("call %d: rip %#x, rsi %d", i, rip, b)
		}
		if got := d.Memory(d.at("add"), 16); string(got) != string(code) {
			t.Fatalf("with a breakpoint the code is % x, without % x", got, code)
		}
		// Over it: without the breakpoint, the thread alone.
		for _, kind := range []string{"0", "1"} {
			d.Want(fmt.Sprintf("z%s,%x,1", kind, d.at("add")), "OK")
		}
		if s := d.Resume("vCont;s:" + s.Thread); s.Signal != gdb.SIGTRAP {
			t.Fatalf("a step ends with %+v", s)
		}
		for _, kind := range []string{"0", "1"} {
			d.Want(fmt.Sprintf("Z%s,%x,1", kind, d.at("add")), "OK")
		}
	}
	d.exits(3, debugOK)
}

// TestDebugStep follows a call instruction by instruction: the stack pointer, the
// counter and memory move as the instructions say, in and out of functions, through a
// system call, until the range that was asked for is left.
func TestDebugStep(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("threads"), Value: argdata.Int(0)}}})
	s := d.goTo("area")
	sp := d.Register(gdbtest.RSP)
	ret := d.Word(sp)
	steps := 0
	for d.Register(gdbtest.RIP) != ret {
		if steps++; steps > 100 {
			t.Fatal("100 steps do not leave a small function")
		}
		d.Resume("vCont;s:" + s.Thread)
	}
	if rsp, rax := d.Register(gdbtest.RSP), d.Register(gdbtest.RAX); rsp != sp+8 || rax != 12 || steps < 5 {
		t.Errorf("after %d steps rsp is %#x, was %#x; rax %d", steps, rsp, sp, rax)
	}
	// On through everything that comes, printing included, which calls the kernel.
	if s := d.Resume(fmt.Sprintf("vCont;r%x,%x:%s", d.base, d.base+1<<20, s.Thread)); s.Kind != 'T' {
		t.Fatalf("%+v", s)
	}
	if rip := d.Register(gdbtest.RIP); rip-d.base < 1<<20 {
		t.Errorf("stepping in the program ends inside, at %#x", rip)
	}
	for d.Register(gdbtest.RIP)-d.base >= 1<<20 { // in the vDSO
		d.Resume("vCont;s:" + s.Thread)
	}
	d.exits(3, debugOK)
}

// TestDebugRegisters writes registers of every kind and finds them again, and the guest
// sees them.
func TestDebugRegisters(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug"})
	d.goTo("scale")
	want := hex.EncodeToString([]byte{0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64}) // 1, 2, 3, 4
	if got := d.Do(fmt.Sprintf("p%x", gdbtest.XMM0)); got != want {
		t.Errorf("xmm0 is %s, want %s", got, want)
	}
	// The last one is what the guest prints: 8 times 1.5.
	d.Want(fmt.Sprintf("P%x=%s", gdbtest.XMM0, want[:24]+"00000041"), "OK")
	all := d.Do("g")
	d.Want("G"+all, "OK")
	if got := d.Do("g"); got != all {
		t.Error("registers have changed")
	}
	d.goTo("area")
	d.Want("P0=0100000000000000", "OK")
	if d.Register(gdbtest.RAX) != 1 {
		t.Error("rax has not changed")
	}
	d.exits(3, "vector=12 ")
}

// TestDebugCall calls a function of the guest, as debuggers do.
func TestDebugCall(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug"})
	s := d.goTo("area")
	all := d.Do("g")
	sp := d.Register(gdbtest.RSP) - 256
	word := func(v uint64) string { return hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, v)) }
	d.Want(fmt.Sprintf("M%x,8:%s", sp, word(d.at("_start"))), "OK")
	d.breakAt("_start")
	for n, v := range map[int]uint64{gdbtest.RSP: sp, gdbtest.RIP: d.at("add"), gdbtest.RDI: 40, gdbtest.RSI: 2} {
		d.Want(fmt.Sprintf("P%x=%s", n, word(v)), "OK")
	}
	if s := d.Resume("vCont;c:" + s.Thread); s.Thread == "" || d.Register(gdbtest.RIP) != d.at("_start") {
		t.Fatalf("%+v at %#x", s, d.Register(gdbtest.RIP))
	}
	if v := d.Register(gdbtest.RAX); v != 42 {
		t.Errorf("40 + 2 = %d", v)
	}
	d.unbreakAt("_start")
	d.Want("G"+all, "OK")
	d.exits(3, debugOK)
}

// TestDebugMemory writes data, and code, which is then executed.
func TestDebugMemory(t *testing.T) {
	// The workers go on until they are told to stop, so that they are met for certain.
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("forever"), Value: argdata.Int(1)}}})
	d.Want(fmt.Sprintf("m%x,8", 0x10), "E0e")
	d.Match(fmt.Sprintf("M%x,1:00", 0x10), `E\..*cannot be written.*`)
	d.goTo("area")
	d.Want(fmt.Sprintf("M%x,4:05000000", d.at("corner")), "OK") // 5 times 4
	d.breakAt("once_around")
	d.Resume("vCont;c") // translated by now, and executed by two threads
	d.unbreakAt("once_around")
	d.Want(fmt.Sprintf("X%x,1:\xc3", d.at("once_around")), "OK") // ret
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.goTo("print")
	work := d.Word(d.at("work"))
	d.Want(fmt.Sprintf("m%x,1", d.at("once_around")), "c3")
	if d.exits(3, "area=20\n"); work == 0 {
		t.Error("no worker has worked before its function was made to do nothing")
	}
}

// TestDebugThreads: each thread has its own registers, name and variables, and those that
// have no action stay where they are.
func TestDebugThreads(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{
		{Key: argdata.String("threads"), Value: argdata.Int(3)}, {Key: argdata.String("forever"), Value: argdata.Int(1)},
	}})
	first := d.goTo("area").Thread
	d.Send("vCont;c")
	if s := d.Interrupt(); s.Signal != gdb.SIGINT {
		t.Fatalf("%+v", s)
	}
	threads := d.Threads()
	if len(threads) != 4 || threads[0] != first {
		t.Fatalf("threads are %v, the first one is %s", threads, first)
	}
	own := map[uint64]bool{}
	rips := map[string]uint64{}
	for _, id := range threads {
		m := d.Match("qGetTLSAddr:"+id+",0,0", "([0-9a-f]+)")
		addr, _ := strconv.ParseUint(m[0], 16, 64)
		offset, _ := d.syms.Addr("own") // of a TLS segment, which begins at 0 for lld
		own[d.Word(addr+offset)] = true
		d.Want("Hg"+id, "OK")
		rips[id] = d.Register(gdbtest.RIP)
		if tcb := d.Word(d.Register(gdbtest.FSBase)); tcb == 0 {
			t.Errorf("thread %s has no TCB", id)
		}
		d.Match("qThreadExtraInfo,"+id, "[0-9a-f]+")
	}
	for _, v := range []uint64{7, 101, 102, 103} {
		if !own[v] {
			t.Errorf("no thread has %d in its variable: %v", v, own)
		}
	}
	// One steps, the others stand still.
	for range 20 {
		if s := d.Resume("vCont;s:" + threads[2]); s.Thread != threads[2] {
			t.Fatalf("a step of %s ends with %+v", threads[2], s)
		}
	}
	for _, id := range threads {
		d.Want("Hg"+id, "OK")
		if rip := d.Register(gdbtest.RIP); id != threads[2] && rip != rips[id] {
			t.Errorf("thread %s was at %#x and is at %#x", id, rips[id], rip)
		}
	}
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.exits(3, debugOK)
}

// TestDebugStepOver steps threads over a breakpoint at which others wait, as gdb does: what those have come to is not
// reported meanwhile, and not lost.
func TestDebugStepOver(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{
		{Key: argdata.String("threads"), Value: argdata.Int(3)}, {Key: argdata.String("forever"), Value: argdata.Int(1)},
	}})
	d.goTo("area")
	hits := map[string]int{}
	for range 100 {
		d.breakAt("once_around")
		s := d.Resume("vCont;c")
		if _, ok := s.Fields["swbreak"]; !ok {
			t.Fatalf("%+v", s)
		}
		hits[s.Thread]++
		d.unbreakAt("once_around")
		if step := d.Resume("vCont;s:" + s.Thread); step.Thread != s.Thread || step.Signal != gdb.SIGTRAP {
			t.Fatalf("a step of %s ends with %+v", s.Thread, step)
		}
	}
	if len(hits) < 2 {
		t.Errorf("hit by %v", hits)
	}
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.exits(3, debugOK)
}

// TestDebugInCall: a thread that blocks in a system call is shown at it, cannot be
// changed, and goes on with it.
func TestDebugInCall(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{
		{Key: argdata.String("threads"), Value: argdata.Int(0)}, {Key: argdata.String("forever"), Value: argdata.Int(1)},
	}})
	d.goTo("sleep_ns")
	for in := hex.EncodeToString([]byte("in poll")); ; {
		d.Send("vCont;c")
		s := d.Interrupt()
		if d.Do("qThreadExtraInfo,"+s.Thread) != in {
			continue
		}
		d.Match("P0=0100000000000000", `E\..*in a system call.*`)
		d.Want("Hg"+s.Thread, "OK")
		if ret := d.Word(d.Register(gdbtest.RSP)); ret-d.base > 1<<20 {
			t.Errorf("the call would return to %#x", ret)
		}
		before := d.Register(gdbtest.RIP)
		d.Resume("vCont;s:" + s.Thread) // to the end of the call
		if after := d.Register(gdbtest.RIP); after <= before || after > before+16 {
			t.Errorf("a step over the call leads from %#x to %#x", before, after)
		}
		break
	}
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.exits(3, debugOK)
}

// TestDebugWatch stops behind each change of a variable.
func TestDebugWatch(t *testing.T) {
	debugregs.Need(t)
	d := debugGuest(t, guestRun{name: "debug"})
	d.Want(fmt.Sprintf("Z2,%x,8", d.at("counter")), "OK")
	sum := uint64(0)
	for i := range uint64(10) {
		s := d.Resume("vCont;c")
		sum += i + 1
		if s.Fields["watch"] != fmt.Sprintf("%x", d.at("counter")) || d.Word(d.at("counter")) != sum {
			t.Fatalf("change %d: %+v, %d instead of %d", i, s, d.Word(d.at("counter")), sum)
		}
	}
	d.Want(fmt.Sprintf("z2,%x,8", d.at("counter")), "OK")
	// The stack slot of a return address: calls and returns are not what the host executes
	// as they are.
	d.goTo("scale")
	sp := d.Register(gdbtest.RSP)
	d.Want(fmt.Sprintf("Z4,%x,8", sp), "OK")
	s := d.Resume("vCont;c")
	if s.Fields["awatch"] != fmt.Sprintf("%x", sp) {
		t.Errorf("the return is not seen: %+v", s)
	}
	d.Want(fmt.Sprintf("z4,%x,8", sp), "OK")
	if d.Want("Hg"+s.Thread, "OK"); d.Register(gdbtest.RSP) != sp+8 {
		t.Errorf("it was seen with rsp %#x, and the address was at %#x", d.Register(gdbtest.RSP), sp)
	}
	d.Want("Z3,1000,8", "") // debuggers take Z4 instead
	d.Match("Z2,1000,100", `E\..*debug registers.*|E\..*can watch.*`)
	d.exits(3, debugOK)
}

// TestDebugWatchThreads watches in threads that begin after that.
func TestDebugWatchThreads(t *testing.T) {
	debugregs.Need(t)
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("forever"), Value: argdata.Int(1)}}})
	d.Want(fmt.Sprintf("Z2,%x,8", d.at("work")), "OK")
	seen := map[string]bool{}
	for range 50 {
		s := d.Resume("vCont;c")
		if s.Fields["watch"] == "" {
			t.Fatalf("%+v", s)
		}
		seen[s.Thread] = true
	}
	d.Want(fmt.Sprintf("z2,%x,8", d.at("work")), "OK")
	if len(seen) == 0 || seen[d.Threads()[0]] {
		t.Errorf("threads that write: %v", seen)
	}
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.exits(3, debugOK)
}

// TestDebugFault: a fault stops; it can be looked at, tried again, and delivered, which
// ends the guest with the usual report.
func TestDebugFault(t *testing.T) {
	for how, want := range map[string]struct {
		stop   int
		signal abi.Signal
	}{
		"segv": {gdb.SIGSEGV, abi.SIGSEGV}, "segv-exec": {gdb.SIGSEGV, abi.SIGSEGV}, "ud2": {gdb.SIGILL, abi.SIGILL},
		"division": {gdb.SIGFPE, abi.SIGFPE}, "wild": {gdb.SIGSEGV, abi.SIGSEGV}, "int3": {gdb.SIGTRAP, abi.SIGTRAP},
		"stack": {gdb.SIGSEGV, abi.SIGSEGV}, "noncanonical": {gdb.SIGSEGV, abi.SIGSEGV},
	} {
		t.Run(how, func(t *testing.T) {
			d := debugGuest(t, guestRun{name: "crash", args: argdata.Map{{Key: argdata.String("how"), Value: argdata.String(how)}}})
			s := d.Resume("vCont;c")
			if s.Kind != 'T' || s.Signal != want.stop {
				t.Fatalf("it stops with %+v", s)
			}
			d.Want("Hg"+s.Thread, "OK")
			rip := d.Register(gdbtest.RIP)
			if how == "segv" {
				info := d.Do("qXfer:siginfo:read::0,80")
				if len(info) != 129 || info[1] != 11 || binary.LittleEndian.Uint64([]byte(info[17:])) != 0x10 {
					t.Errorf("siginfo is % x", info)
				}
			}
			if how != "int3" { // tried again, it is the same
				if s := d.Resume("vCont;c"); s.Signal != want.stop || d.Register(gdbtest.RIP) != rip {
					t.Errorf("at the second time it stops with %+v", s)
				}
			}
			if s := d.Resume(fmt.Sprintf("vCont;C%02x:%s;c", want.stop, s.Thread)); s.Kind != 'X' || s.Signal != want.stop {
				t.Errorf("the end is %+v", s)
			}
			r := d.end()
			if r.exit.Signal != want.signal || r.exit.Fault == nil || r.exit.Fault.RIP.Addr != rip {
				t.Errorf("the end is %+v, the fault was at %#x", r.exit, rip)
			}
		})
	}
}

// TestDebugRaise: proc_raise stops before it does anything, and can be taken back.
func TestDebugRaise(t *testing.T) {
	for _, deliver := range []bool{false, true} {
		d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("raise"), Value: argdata.Int(1)}}})
		s := d.Resume("vCont;c")
		if s.Kind != 'T' || s.Signal != gdb.SIGABRT {
			t.Fatalf("it stops with %+v", s)
		}
		if !deliver {
			d.exits(3, debugOK)
			continue
		}
		if s := d.Resume("vCont;C06:" + s.Thread + ";c"); s.Kind != 'X' || s.Signal != gdb.SIGABRT {
			t.Errorf("the end is %+v", s)
		}
		if r := d.end(); r.exit.Signal != abi.SIGABRT {
			t.Errorf("the end is %+v", r.exit)
		}
	}
}

// TestDebugSignal: a signal from the debugger ends a guest as any other does.
func TestDebugSignal(t *testing.T) {
	d := debugGuest(t, guestRun{name: "spin"})
	d.Match("vCont;C63", `E\..*no signal.*`)
	d.Resume("vCont;S14:" + d.Threads()[0]) // CHLD: nobody minds
	if s := d.Resume("vCont;C0f:" + d.Threads()[0]); s.Kind != 'X' || s.Signal != gdb.SIGTERM {
		t.Errorf("the end is %+v", s)
	}
	if r := d.end(); r.exit.Signal != abi.SIGTERM {
		t.Errorf("the end is %+v", r.exit)
	}
}

// TestDebugLeave: after a detach, and after a debugger that vanishes, running or stopped,
// the guest goes on without its breakpoints, and another debugger may come.
func TestDebugLeave(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("forever"), Value: argdata.Int(1)}}})
	d.goTo("area")
	for _, leave := range []func(){
		func() { d.Want("D", "OK"); d.Ended() },
		func() { d.Close() },
		func() { d.Send("vCont;c"); d.Close() },
		func() { d.Send("vCont;s"); d.Close() },
		func() { d.Write("$g#"); d.Close() },
	} {
		d.breakAt("once_around")
		d.Resume("vCont;c")
		leave()
		d.connectAgain()
		work := d.Word(d.at("work"))
		for d.Word(d.at("work")) == work { // the workers go on, sooner or later
			d.Send("vCont;c")
			d.Interrupt()
		}
	}
	d.Want(fmt.Sprintf("M%x,4:00000000", d.at("forever")), "OK")
	d.Want("D", "OK")
	r := d.end()
	r.expect(t, 3)
	if r.stdout != debugOK {
		t.Errorf("it wrote %q", r.stdout)
	}
}
