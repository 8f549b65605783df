package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// Workloads of the program locks, by letter: see guests/prog/locks.h.
var lockWorkloads = []struct {
	name  string
	n     uint64 // operations, for some 100 ms
	small uint64 // for a test
}{
	{"create", 1000, 20},
	{"handover", 200_000, 2000},
	{"many", 3_000_000, 20_000},
	{"readers", 400_000, 4000},
	{"turns", 5000, 100},
}

// guestLocks runs a workload as a guest and answers its time.
func guestLocks(name string, n uint64, scope string) (d time.Duration, err error) {
	exe, err := os.Open(path("locks"))
	if err != nil {
		return 0, err
	}
	defer exe.Close()
	info, err := exe.Stat()
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	args, err := argdata.Encode(argdata.Map{
		{Key: argdata.String("stdout"), Value: argdata.FD(0)},
		{Key: argdata.String("stderr"), Value: argdata.FD(1)},
		{Key: argdata.String("workload"), Value: argdata.String(name)},
		{Key: argdata.String("n"), Value: argdata.Uint(n)},
		{Key: argdata.String("scope"), Value: argdata.String(scope)},
	})
	if err != nil {
		w.Close()
		return 0, err
	}
	p, err := runtime.Start(context.Background(), runtime.Config{
		Executable: exe, Size: info.Size(), Name: "locks", ArgData: args,
		FDs: []int{int(w.Fd()), int(os.Stderr.Fd())},
	})
	w.Close() // the guest has its own
	if err != nil {
		return 0, err
	}
	exit := p.Wait() // the program prints one line, which fits into the pipe
	if exit.Status() != 0 {
		return 0, fmt.Errorf("bench: locks %s ended with status %d", name, exit.Status())
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return 0, err
	}
	return parseLocks(line, name, n)
}

// parseLocks reads locks WORKLOAD n=N ns=NS.
func parseLocks(line, name string, n uint64) (time.Duration, error) {
	var gotName string
	var gotN, ns uint64
	if _, err := fmt.Sscanf(line, "locks %s n=%d ns=%d", &gotName, &gotN, &ns); err != nil {
		return 0, fmt.Errorf("bench: the program printed %q: %w", line, err)
	}
	if gotName != name || gotN != n || ns == 0 {
		return 0, fmt.Errorf("bench: the program printed %q for %s, n=%d", line, name, n)
	}
	return time.Duration(ns), nil
}

var errNoCompiler = errors.New("no C compiler (cc) for the native side")

// buildNativeLocks compiles the workloads for the host's threads.
func buildNativeLocks(dir string) (program string, err error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", errNoCompiler
	}
	program = filepath.Join(dir, "locks")
	out, err := exec.Command(cc, "-O2", "-Wall", "-Wextra", "-Werror", "-pthread",
		"-I", filepath.Join("..", "guests", "prog"), "-o", program, filepath.Join("testdata", "locks.c")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("bench: %w: %s", err, out)
	}
	return program, nil
}

func nativeLocks(program, name string, n uint64, scope string) (time.Duration, error) {
	out, err := exec.Command(program, name, fmt.Sprint(n), scope).Output()
	if err != nil {
		return 0, err
	}
	return parseLocks(string(out), name, n)
}

// TestLocks runs each workload in both ways; the programs check themselves.
func TestLocks(t *testing.T) {
	program, err := buildNativeLocks(t.TempDir())
	if err != nil && (err != errNoCompiler || os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1") {
		t.Fatal(err)
	}
	for _, scope := range []string{"private", "shared"} {
		for _, w := range lockWorkloads {
			if _, err := guestLocks(w.name, w.small, scope); err != nil {
				t.Errorf("%s, %s, guest: %v", w.name, scope, err)
			}
			if program == "" {
				continue
			}
			if _, err := nativeLocks(program, w.name, w.small, scope); err != nil {
				t.Errorf("%s, %s, native: %v", w.name, scope, err)
			}
		}
	}
}

// BenchmarkLocks reports, for each workload, the guest's best time of an operation
// in ns/op, that of the same text on the host's threads, and the ratio.
func BenchmarkLocks(b *testing.B) {
	program, err := buildNativeLocks(b.TempDir())
	if err != nil && err != errNoCompiler {
		b.Fatal(err)
	}
	for _, scope := range []string{"private", "shared"} {
		for _, w := range lockWorkloads {
			b.Run(w.name+"/"+scope, func(b *testing.B) {
				var guest, native time.Duration
				best := func(d *time.Duration, got time.Duration, err error) {
					if err != nil {
						b.Fatal(err)
					}
					if *d == 0 || got < *d {
						*d = got
					}
				}
				for range max(5, b.N) { // in turns: the machine's mood changes
					d, err := guestLocks(w.name, w.n, scope)
					best(&guest, d, err)
					if program != "" {
						d, err = nativeLocks(program, w.name, w.n, scope)
						best(&native, d, err)
					}
				}
				b.ReportMetric(float64(guest)/float64(w.n), "ns/op")
				if program != "" {
					b.ReportMetric(float64(native)/float64(w.n), "native-ns")
					b.ReportMetric(float64(guest)/float64(native), "ratio")
				}
			})
		}
	}
}
