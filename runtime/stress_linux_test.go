//go:build amd64

package runtime_test

import (
	"math/rand/v2"
	"os"
	goruntime "runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cabitrans/argdata"
	"cabitrans/internal/effort"
	"cabitrans/runtime"
	"cabitrans/runtime/host"
)

// TestStress runs programs that check themselves beside the collector, the
// profiler, and signals: Go's own, and that of kicks, which is then without a
// purpose. Each must end as it does undisturbed. effort.Env adds the programs of all
// generations.
func TestStress(t *testing.T) {
	list := stressPrograms([]string{""})
	until := time.Now() // one program after the other, once
	if d, ok := effort.Asked(t); ok {
		until = until.Add(d)
		list = stressPrograms([]string{"", "-v0", "-v1", "-v2"})
	}
	defer load(t)()
	defer sprayed(t)()
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(0))
	for i := 0; i < len(list) || time.Now().Before(until); i++ {
		procs := 1 + (i+i/len(list))%2
		goruntime.GOMAXPROCS(procs)
		g := list[i%len(list)]
		r := g.run(t)
		want := 0
		if g.kill > 0 {
			want = 128 + 9
		}
		if r.exit.Status() != want {
			t.Errorf("%s with GOMAXPROCS=%d:", g.name, procs)
			r.expect(t, want)
		}
	}
}

// stressPrograms are those that have register state or threads to lose, in the
// given generations, and some of which there is one.
func stressPrograms(generations []string) (list []guestRun) {
	for _, v := range generations {
		list = append(list,
			guestRun{name: "regs" + v, args: argdata.Map{number("threads", 3), number("seconds", 1)}},
			guestRun{name: "threads" + v, args: argdata.Map{number("rounds", 2000)}},
			guestRun{name: "fork" + v, args: argdata.Map{number("storm", 3)}},
			guestRun{name: "tls" + v, args: argdata.Map{number("threads", 5), number("seconds", 1)}})
	}
	return append(list,
		guestRun{name: "jit"},
		guestRun{name: "memtest"},
		guestRun{name: "fds"},
		guestRun{name: "spin", args: argdata.Map{number("threads", 5)}, kill: 50 * time.Millisecond},
		guestRun{name: "sysloop", args: argdata.Map{number("n", 1<<50)}, kill: 50 * time.Millisecond})
}

// sprayed sends signals to random threads of this process until the returned
// function is called.
func sprayed(t testing.TB) (stop func()) {
	t.Helper()
	if err := runtime.Prepare(); err != nil { // handles the signals
		t.Fatal(err)
	}
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		sent := 0
		r := rand.New(rand.NewPCG(5, 6))
		signals := []unix.Signal{unix.SIGURG, unix.SIGPROF, unix.Signal(host.KickSignal)}
		for {
			select {
			case <-quit:
				done <- sent
				return
			case <-time.After(time.Duration(r.Int64N(int64(time.Millisecond)))):
			}
			for _, tid := range threadIDs(t) {
				if r.IntN(2) == 0 {
					// A thread that has ended meanwhile makes it fail.
					_ = unix.Tgkill(os.Getpid(), tid, signals[r.IntN(len(signals))])
					sent++
				}
			}
		}
	}()
	return func() {
		close(quit)
		t.Logf("%d signals", <-done)
	}
}

func threadIDs(t testing.TB) (ids []int) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
		return nil
	}
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
