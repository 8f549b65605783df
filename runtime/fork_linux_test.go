//go:build amd64

package runtime_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/internal/effort"
	"cabitrans/runtime/host/hosttest"
)

// TestNothingLeft runs programs that fork and exec, kills some of them wherever they
// are, and looks for processes and descriptors that stay behind. With
// effort.Env it makes thousands of children.
func TestNothingLeft(t *testing.T) {
	guestRun{name: "hello"}.run(t).expect(t, 0) // whatever Go keeps open, it has opened then
	fds := openDescriptors(t)
	storm, kills := 20, 10
	if _, ok := effort.Asked(t); ok {
		storm, kills = 1000, 200
	}
	guestRun{name: "fork", args: argdata.Map{number("storm", storm)}}.run(t).expect(t, 0)
	guestRun{name: "exec"}.run(t).expect(t, 0)
	for i := range kills {
		g := guestRun{name: []string{"fork", "fork-v0", "exec", "exec-v2"}[i%4]}
		p, end := g.start(t)
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // wherever it is then
		p.Kill()
		end()
	}
	deadline := time.Now().Add(time.Minute)
	for {
		left, now := children(t), openDescriptors(t)
		if len(left) == 0 && now == fds {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v are left, and %d descriptors instead of %d", left, now, fds)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestForkStartsAnew: a child in whose process Go's heap lies where guest memory
// belongs starts once more.
func TestForkStartsAnew(t *testing.T) {
	t.Setenv(hosttest.OccupyEnv, "1") // for children, and theirs
	guestRun{name: "exec"}.run(t).expect(t, 0)
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// children lists the processes that this one has started and not yet waited for.
func children(t *testing.T) (out []string) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%s/children", th.Name()))
		if err == nil { // a thread may end meanwhile
			out = append(out, strings.Fields(string(b))...)
		}
	}
	return out
}

// BenchmarkFork is the time from proc_fork to the child's end as its parent learns
// of it, by the memory that the child is a copy of, and the same with a program that
// the child becomes. effort.Env adds a gigabyte.
func BenchmarkFork(b *testing.B) {
	ns := regexp.MustCompile(`ns=(\d+)`)
	run := func(b *testing.B, g guestRun) {
		for b.Loop() {
			r := g.run(b)
			r.expect(b, 0)
			v, err := strconv.ParseFloat(ns.FindStringSubmatch(r.stdout)[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(v/1e6, "ms/child")
		}
	}
	sizes := []int{0, 1, 16, 128}
	if _, ok := effort.Asked(b); ok {
		sizes = append(sizes, 1024)
	}
	for _, mib := range sizes {
		b.Run(fmt.Sprintf("MiB=%d", mib), func(b *testing.B) {
			run(b, guestRun{name: "fork", args: argdata.Map{number("memory", mib), number("storm", 10)}})
		})
	}
	b.Run("exec", func(b *testing.B) { run(b, guestRun{name: "exec", args: argdata.Map{number("rounds", 50)}}) })
}
