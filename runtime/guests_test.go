package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/internal/golden"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// Numbers that differ from run to run.
var (
	counts    = regexp.MustCompile(`(trips|calls|jumps|ns|median|ns_per_call)=[0-9.]+`)
	instances = regexp.MustCompile(`vectors=\w+`)
)

// programs are the guests that end by themselves; their output is golden.
var programs = []string{
	"hello", "hello-v0", "hello-v1", "hello-v2", "args", "jit", "memtest", "fds",
	"locks",
	"threads", "threads-v0", "threads-v1", "threads-v2",
	"tls", "tls-v0", "tls-v1", "tls-v2", "tls-fpic", "tls-safestack",
	"regs", "regs-v0", "regs-v1", "regs-v2", "sysloop", "tlsloop",
	"pass", "fork", "fork-v0", "fork-v1", "fork-v2", "exec", "exec-v0", "exec-v1", "exec-v2",
}

func TestPrograms(t *testing.T) {
	for _, name := range programs {
		t.Run(name, func(t *testing.T) {
			if r := (guestRun{name: name}).golden(t); r.stats.TLSSwitchSyscalls != 0 {
				t.Errorf("%d host system calls were spent on switching TLS", r.stats.TLSSwitchSyscalls)
			}
		})
	}
}

// golden runs the guest and compares what it writes.
func (g guestRun) golden(t *testing.T) result {
	t.Helper()
	r := g.run(t)
	r.expect(t, 0)
	got := instances.ReplaceAllString(counts.ReplaceAllString(r.stdout+r.stderr, "$1=N"), "vectors=V")
	golden.Check(t, filepath.Join("testdata", "guests", g.name+".txt"), got)
	return r
}

// TestEveryGuest fails when a program of guests/bin is in no test.
func TestEveryGuest(t *testing.T) {
	// calls is for internal/calltest, callbench for bench, trail for the tools that watch a run,
	// debug for a debugger.
	tested := map[string]bool{"debug": true, "crash": true, "spin": true, "crowd": true, "calls": true, "callbench": true, "trail": true}
	for _, p := range programs {
		tested[p] = true
	}
	kernels, err := os.ReadFile("../bench/kernels.go")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(guests, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !tested[e.Name()] && !bytes.Contains(kernels, []byte(`"`+e.Name()+`"`)) {
			t.Errorf("guests/bin/%s is in no test", e.Name())
		}
	}
}

// TestTLSUnderLoad runs thread-local storage in 8 threads beside Go's collector,
// its profiler and its preemption.
func TestTLSUnderLoad(t *testing.T) {
	for _, name := range []string{"tls", "tls-v0", "tls-v1", "tls-v2", "tls-fpic", "tls-safestack"} {
		for _, procs := range []string{"1", "2"} {
			t.Run(name+"/GOMAXPROCS="+procs, func(t *testing.T) {
				defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(int(procs[0] - '0')))
				defer load(t)()
				r := guestRun{name: name, args: argdata.Map{number("threads", 8), number("seconds", 1)}}.run(t)
				r.expect(t, 0)
				if !strings.HasPrefix(r.stdout, "tls ok threads=8 ") {
					t.Errorf("wrote %q", r.stdout)
				}
			})
		}
	}
}

// load keeps the collector and the profiler busy until the returned function is
// called.
func load(t testing.TB) (stop func()) {
	t.Helper()
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var garbage [][]byte
		for {
			select {
			case <-quit:
				return
			default:
				garbage = append(garbage[:len(garbage)%64], make([]byte, 64<<10))
				goruntime.GC()
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		pprof.StopCPUProfile()
	}
}

// TestCrash checks what is said of every kind of fault.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		how    string
		signal abi.Signal
		status int
		access runtime.Access
		where  string // part of what lies at the address
	}{
		{"segv", abi.SIGSEGV, 139, runtime.AccessRead, "null page"},
		{"segv-write", abi.SIGSEGV, 139, runtime.AccessWrite, ""},
		{"segv-exec", abi.SIGSEGV, 139, runtime.AccessExecute, "crash, protection rw-"},
		{"ro", abi.SIGSEGV, 139, runtime.AccessWrite, "crash, protection r--"},
		{"ud2", abi.SIGILL, 132, runtime.AccessNone, ""},
		{"division", abi.SIGFPE, 136, runtime.AccessNone, ""},
		{"stack", abi.SIGSEGV, 139, runtime.AccessWrite, "guard page below the first thread's stack"},
		{"wild", abi.SIGSEGV, 139, runtime.AccessExecute, "outside guest memory"},
		{"noncanonical", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"alias-jmp", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"alias-call", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"alias-mem", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"alias-ret", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"sse", abi.SIGSEGV, 139, runtime.AccessNone, ""},
		{"int3", abi.SIGTRAP, 133, runtime.AccessNone, ""},
		{"privileged", abi.SIGSEGV, 139, runtime.AccessNone, ""},
	} {
		t.Run(c.how, func(t *testing.T) {
			r := guestRun{name: "crash", args: argdata.Map{text("how", c.how)}}.run(t)
			r.expect(t, c.status)
			f := r.exit.Fault
			if f == nil {
				t.Fatal("no fault report")
			}
			if f.Signal != c.signal || f.Access != c.access || !strings.Contains(f.Where, c.where) {
				t.Errorf("%v, %s of %q; want %v, %s of %q", f.Signal, f.Access, f.Where, c.signal, c.access, c.where)
			}
			var trace []string
			for _, l := range append([]runtime.Location{f.RIP}, f.Backtrace...) {
				trace = append(trace, l.Symbol)
			}
			names := strings.Join(trace, " ")
			if c.how != "stack" && !strings.Contains(names, "crash_middle crash_outer guest_main _start") {
				t.Errorf("backtrace %s", names)
			}
			if c.access != runtime.AccessExecute && f.Instruction == "" {
				t.Error("no instruction")
			}
		})
	}
}

// TestKill ends programs that would never end, in every state a thread can be in.
func TestKill(t *testing.T) {
	for _, g := range []guestRun{
		{name: "spin", args: argdata.Map{number("threads", 1)}},
		{name: "spin", args: argdata.Map{number("threads", 8)}},
		{name: "tls", args: argdata.Map{number("threads", 8), number("seconds", 1000)}},
		{name: "sysloop", args: argdata.Map{number("n", 1<<50)}},
		{name: "regs-v2", args: argdata.Map{number("threads", 4), number("seconds", 1000)}},
		{name: "threads", args: argdata.Map{number("rounds", 1<<40)}},
	} {
		for _, after := range []time.Duration{1, time.Millisecond, 50 * time.Millisecond} {
			g.kill = after
			g.run(t).expect(t, 128+9)
		}
	}
}

// TestContext ends a program by its context.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := runtime.Start(ctx, runtime.Config{Name: "none"}); !errors.Is(err, context.Canceled) {
		t.Errorf("start with a context that is done: %v", err)
	}
}

// TestSecondProcess starts a second process beside a live one.
func TestSecondProcess(t *testing.T) {
	p, end := guestRun{name: "spin"}.start(t)
	if _, err := runtime.Start(context.Background(), runtime.Config{Name: "none"}); !errors.Is(err, runtime.ErrBusy) {
		t.Errorf("a second process: %v", err)
	}
	p.Kill()
	end().expect(t, 128+9)
}
