//go:build amd64

package runtime_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/internal/effort"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/gdb"
	"cabitrans/runtime/gdb/gdbtest"
)

// TestDebugStepAll executes whole programs in single steps, under every TLS strategy: they
// do what they do otherwise.
func TestDebugStepAll(t *testing.T) {
	number := func(key string, n int64) argdata.Entry {
		return argdata.Entry{Key: argdata.String(key), Value: argdata.Int(n)}
	}
	for _, g := range []struct {
		guestRun
		code int
		want string
	}{
		{guestRun{name: "hello"}, 0, "Hello"},
		{guestRun{name: "hello-v0"}, 0, "Hello"},
		{guestRun{name: "debug"}, 3, debugOK},
		{guestRun{name: "tls", args: argdata.Map{number("seconds", 0), number("threads", 2)}}, 0, "tls ok threads=2"},
		{guestRun{name: "tls-v1", args: argdata.Map{number("seconds", 0), number("threads", 2)}}, 0, "tls ok threads=2"},
		{guestRun{name: "regs", args: argdata.Map{number("seconds", 0), number("threads", 2)}}, 0, "regs ok threads=2"},
		{guestRun{name: "setjmp", args: argdata.Map{number("n", 50), number("repeats", 1)}}, 0, "setjmp n=50"},
		{guestRun{name: "nbody", args: argdata.Map{number("n", 50), number("repeats", 1)}}, 0, "nbody n=50"},
		{guestRun{name: "jit", args: argdata.Map{number("patches", 3)}}, 0, "jit ok"},
	} {
		if testing.Short() && g.name != "debug" && g.name != "tls-v1" {
			continue // steps are slow under the race detector
		}
		plain := strings.Fields(g.guestRun.run(t).stdout)
		for i, tls := range runtime.TLSStrategies() {
			if i > 0 && (testing.Short() || g.code == 0 && i > 1) {
				break
			}
			t.Run(g.name+"/"+tls, func(t *testing.T) {
				run := g.guestRun
				run.tls = tls
				d := debugGuest(t, run)
				s := gdbtest.Stop{Kind: 'T', Signal: gdb.SIGTRAP}
				for s.Kind == 'T' && s.Signal == gdb.SIGTRAP { // new threads run, those that are there step
					s = d.Resume("vCont;r0,ffffffffffffffff")
				}
				if s.Kind != 'W' || s.Signal != g.code {
					t.Fatalf("the end is %+v", s)
				}
				r := d.end()
				r.expect(t, g.code)
				if !strings.Contains(r.stdout, g.want) {
					t.Errorf("it wrote %q, want %q", r.stdout, g.want)
				}
				for k, w := range strings.Fields(r.stdout) {
					if strings.HasPrefix(w, "result=") && w != plain[k] {
						t.Errorf("%s, without a debugger %s", w, plain[k])
					}
				}
			})
		}
	}
}

// TestDebugNoWait: the guest runs until somebody attaches, who cannot kill it by leaving.
func TestDebugNoWait(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/gdb")
	if err != nil {
		t.Fatal(err)
	}
	g := guestRun{name: "spin", watch: func(c *runtime.Config) { c.Debug = &runtime.Debug{Listener: l} }}
	p, end := g.start(t)
	c := gdbtest.Dial(t, l.Addr())
	c.Want("qAttached", "1")
	if n := len(c.Threads()); n != 1 {
		t.Errorf("there are %d threads", n)
	}
	c.Want("D", "OK")
	c.Ended()
	p.Kill()
	end()
	if _, err := os.Stat(l.Addr().String()); err == nil {
		t.Error("the socket is still there")
	}
}

// TestDebugKilled: the guest is ended from outside, while it runs and while it stands.
func TestDebugKilled(t *testing.T) {
	for _, running := range []bool{false, true} {
		d := debugGuest(t, guestRun{name: "spin"})
		if running {
			d.Send("vCont;c")
		}
		d.p.Kill()
		if running {
			if s := gdbtest.ParseStop(t, d.Receive()); s.Kind != 'X' || s.Signal != gdb.SIGKILL {
				t.Errorf("%+v", s)
			}
		}
		d.Ended()
		d.end()
	}
	d := debugGuest(t, guestRun{name: "spin"})
	d.Send("k")
	d.Ended()
	d.end()
}

// TestDebugTimeout: the time that a process may take stands still while a debugger has stopped it, from before its first
// instruction on, and goes on with it.
func TestDebugTimeout(t *testing.T) {
	const limit = 500 * time.Millisecond
	for _, how := range []string{"k", "vCont;c", "D"} {
		d := debugGuest(t, guestRun{name: "spin", watch: func(c *runtime.Config) { c.Limits.Timeout = limit }})
		time.Sleep(2 * limit)
		d.Do("?")
		d.Send(how)
		if r := d.end(); r.exit.TimedOut != (how != "k") || r.exit.Signal != abi.SIGKILL {
			t.Errorf("%s: %+v", how, r.exit)
		}
	}
}

// TestDebugExec: the debugger learns that the process has become another program, whose
// breakpoints it sets anew.
func TestDebugExec(t *testing.T) {
	d := debugGuest(t, guestRun{name: "debug", args: argdata.Map{{Key: argdata.String("become"), Value: argdata.Int(1)}}})
	d.breakAt("guest_main")
	programs := 0
	for {
		s := d.Resume("vCont;c")
		if s.Kind == 'W' {
			if s.Signal != 4 {
				t.Errorf("the end is %+v", s)
			}
			break
		}
		if path, ok := s.Fields["exec"]; ok {
			programs++
			if !strings.HasSuffix(unhex(t, path), "/bin/debug") {
				t.Errorf("it is %s", unhex(t, path))
			}
			d.Want("Hg"+s.Thread, "OK")
			if rip := d.Register(gdbtest.RIP); rip != d.at("_start") {
				t.Fatalf("the new program begins at %#x, not %#x", rip, d.at("_start"))
			}
			continue
		}
		if _, hit := s.Fields["swbreak"]; !hit || programs > 0 {
			t.Fatalf("%+v after %d programs", s, programs)
		}
		d.unbreakAt("guest_main")
	}
	if programs != 1 {
		t.Errorf("it became another program %d times", programs)
	}
	d.end().expect(t, 4)
}

// TestDebugFork: forked processes run without the debugger.
func TestDebugFork(t *testing.T) {
	d := debugGuest(t, guestRun{name: "fork", args: argdata.Map{{Key: argdata.String("storm"), Value: argdata.Int(3)}}})
	d.goTo("guest_main")
	d.exits(0, "fork ok")
}

// TestDebugStress has breakpoints and watchpoints come and go, threads stop and step, while
// others begin and end and wait for one another; nothing of that shows in the guest.
func TestDebugStress(t *testing.T) {
	limit := effort.For(t, 2*time.Second)
	for until := time.Now().Add(limit); ; {
		d := debugGuest(t, guestRun{name: "threads", args: argdata.Map{{Key: argdata.String("rounds"), Value: argdata.Int(2000)}}})
		if !stress(d, until) {
			d.exits(0, "threads ok")
		} else {
			d.end().expect(t, 0)
		}
		if !time.Now().Before(until) {
			return
		}
	}
}

// stress drives a guest until it has ended, or the time is up.
func stress(d *debugged, until time.Time) (ended bool) {
	names := []string{"contend", "lock_acquire", "lock_release", "record", "thread_entry"}
	point := func(set bool, i int) {
		addr, ok := d.syms.Addr(names[i%len(names)])
		if !ok {
			return
		}
		verb := "z"
		if set {
			verb = "Z"
		}
		d.Want(fmt.Sprintf("%s0,%x,1", verb, d.base+addr), "OK")
	}
	watch, _ := d.syms.Addr("counter")
	for i := 0; time.Now().Before(until); i++ {
		threads := d.Threads()
		one := threads[i%len(threads)]
		point(i%3 != 0, i)
		var s gdbtest.Stop
		switch {
		case i%7 == 0:
			d.Send("vCont;c")
			s = d.Interrupt()
		case i%7 == 1:
			d.Send("vCont;s:" + one) // which may wait for one that stands still
			s = d.Interrupt()
		case i%7 == 2:
			s = d.Resume("vCont;s:" + one + ";c")
		case i%7 == 3 && watch != 0:
			d.Do(fmt.Sprintf("Z2,%x,8", d.base+watch)) // refused on some hosts
			d.Send("vCont;c")
			s = d.Interrupt()
			if s.Kind == 'T' {
				d.Do(fmt.Sprintf("z2,%x,8", d.base+watch))
			}
		default:
			d.Send(fmt.Sprintf("vCont;r%x,%x:%s;c", d.base, d.base+1<<20, one))
			s = d.Interrupt()
		}
		if s.Kind == 'W' {
			return true
		}
		if s.Kind == 'N' { // the only thread that was to go on has ended
			continue
		}
		if s.Kind != 'T' || s.Signal != gdb.SIGTRAP && s.Signal != gdb.SIGINT {
			d.t.Fatalf("round %d: %+v", i, s)
		}
		// What a debugger does at a breakpoint: over it with the thread alone.
		if _, hit := s.Fields["swbreak"]; hit {
			for k := range names {
				point(false, k)
			}
			if s := d.Resume("vCont;s:" + s.Thread); s.Kind == 'W' {
				return true
			}
		}
	}
	for k := range names {
		point(false, k)
	}
	return false
}

// TestDebugAttachStress: debuggers come and go, with and without a word, while a guest
// runs.
func TestDebugAttachStress(t *testing.T) {
	limit := effort.For(t, time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := guestRun{name: "debug", args: argdata.Map{
		{Key: argdata.String("forever"), Value: argdata.Int(1)}, {Key: argdata.String("threads"), Value: argdata.Int(4)},
	}}
	g.watch = func(c *runtime.Config) { c.Debug = &runtime.Debug{Listener: l} }
	p, end := g.start(t)
	stop := time.AfterFunc(2*time.Minute, p.Kill)
	defer stop.Stop()
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() { // two of them: one is turned away
			for i, until := n, time.Now().Add(limit); time.Now().Before(until); i++ {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				for _, s := range []string{"qC", "vCont;c", "\x03", "vCont;s", "D"}[:i%6] {
					if s == "\x03" {
						c.Write([]byte(s))
					} else {
						c.Write([]byte(gdbtest.Packet(s)))
					}
					c.Read(make([]byte, 64))
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	p.Kill()
	if r := end(); r.exit.Fault != nil || r.stderr != "" {
		t.Errorf("the guest suffered: %+v, %q", r.exit, r.stderr)
	}
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}
