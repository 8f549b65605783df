package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cabitrans/internal/golden"
)

// childEnv makes this test binary a child that is measured.
const childEnv = "CABITRANS_BENCH_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(Child(os.Args[1:], os.Stdout, os.Stderr))
	}
	if os.Getenv(otherEnv) != "" {
		if err := beOther(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shortRun measures a little of everything.
func shortRun(t *testing.T) *Report {
	t.Helper()
	t.Setenv(childEnv, "1")
	o := Options{Runs: 2, Repeats: 2, Short: true, Pin: NoPin, Self: []string{os.Args[0]},
		Kernels: []string{"qsort", coldKernel, tlsKernel, switchKernel}}
	if _, err := exec.LookPath("env"); err == nil && directly { // any command that runs another
		o.Peers = []Peer{{"env", []string{"env", "A=B"}}}
	}
	var said []string
	o.Progress = func(s string) { said = append(said, s) }
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "qsort, run 2 of 2, ") }) {
		t.Errorf("progress %q", said)
	}
	return r
}

// TestRun measures a little, and checks what must hold of any report; the keys of its
// JSON form are golden.
func TestRun(t *testing.T) {
	if !directly {
		t.Skip(ErrNoDirect)
	}
	r := shortRun(t)
	for _, k := range r.Kernels {
		for _, c := range r.Columns {
			v, ok := k.Columns[c.Name]
			if skipped := k.Name == switchKernel && c.Kind == KindPeer; ok == skipped {
				t.Errorf("%s, %s: measured %v", k.Name, c.Name, ok)
			}
			if ok && (len(v.NS.Samples) < 2 || v.NS.Min <= 0 || len(v.Ratio.Samples) != len(v.NS.Samples) || v.BestRatio <= 0) {
				t.Errorf("%s, %s: %+v", k.Name, c.Name, v)
			}
		}
		if base := k.Columns[r.Baseline]; base.Ratio.Min != 1 || base.Ratio.Max != 1 {
			t.Errorf("%s: the baseline's ratio is %+v", k.Name, base.Ratio)
		}
	}
	if m := r.Means[r.Headline[1]]; m.Kernels != 2 || m.WorstKernel == coldKernel {
		t.Errorf("mean %+v", m)
	}
	if len(r.Translation) == 0 || r.Translation[0].Instructions < 10_000 || r.Translation[0].PerInsn <= 0 {
		t.Errorf("translation %+v", r.Translation)
	}
	if len(r.Missing) != 0 && !strings.Contains(strings.Join(r.Missing, ""), "WRFSBASE") {
		t.Errorf("missing %q", r.Missing)
	}
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(b.Bytes(), &tree); err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]bool)
	jsonKeys(keys, "", tree)
	golden.Check(t, filepath.Join("testdata", "keys.txt"), strings.Join(slices.Sorted(maps.Keys(keys)), "\n")+"\n")
	checkBenchfmt(t, r)
	checkText(t, r)
}

// jsonKeys collects the paths of all keys; those that are names of columns are one.
func jsonKeys(to map[string]bool, at string, v any) {
	for _, varies := range []string{".outliers", ".wins_from", ".missing"} { // from run to run
		if strings.HasSuffix(at, varies) {
			to[at] = true
			return
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if strings.Contains(k, "/") || k == peerNative || k == "env" {
				k = "COLUMN"
			}
			jsonKeys(to, at+"."+k, x)
		}
	case []any:
		for _, x := range v {
			jsonKeys(to, at+"[]", x)
		}
	default:
		to[fmt.Sprintf("%s %T", at, v)] = true
	}
}

// checkBenchfmt reads what benchstat would: configuration and results.
func checkBenchfmt(t *testing.T, r *Report) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteBenchfmt(&b); err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile(`^[a-z][^\sA-Z:]*: \S.*$`)
	result := regexp.MustCompile(`^Benchmark[A-Z]\S* \d+( -?[0-9.]+(e[+-]\d+)? \S+)+$`)
	results := make(map[string]int)
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case result.MatchString(line):
			results[strings.Fields(line)[0]+" "+strings.Fields(line)[3]]++
		case !config.MatchString(line) || len(results) > 0:
			t.Errorf("%q is no line of the format", line)
		}
	}
	if n := results["BenchmarkKernel/kernel=qsort/run=cache/gs ns/op"]; n < r.Settings.Runs {
		t.Errorf("%d results of %d runs: %v", n, r.Settings.Runs, results)
	}
}

// checkText: every kernel, column and part is in the tables.
func checkText(t *testing.T, r *Report) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"qsort", "cache/gs", "geometric mean", "ns a call", "ns an access", "growth", "empty",
		"speed-up", "text KiB", "env"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
}

// TestRunRefuses: what cannot be measured is an error, not a hole in the report.
func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Kernels: []string{"fob"}, Pin: NoPin}, `there is no kernel "fob"`},
		{Options{Columns: []string{"cache/fast"}, Pin: NoPin}, `there is no column "cache/fast" on this host`},
	} {
		if _, err := Run(context.Background(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Options{Runs: 1, Pin: NoPin}); err == nil {
		t.Error("a run goes on that was cancelled")
	}
}

// TestDirectRefuses: programs that need more than Direct has.
func TestDirectRefuses(t *testing.T) {
	if !directly {
		t.Skip(ErrNoDirect)
	}
	for _, name := range []string{"hello-v0", "fds"} {
		image, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := direct(programOf(name, image), Setup{}, ByArchPrctl); err == nil {
			t.Errorf("%s runs, and writes %q", name, out)
		}
	}
}
