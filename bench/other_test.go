package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// otherEnv makes this test binary another cabitrans, of which it says what is wrong.
const otherEnv = "CABITRANS_BENCH_OTHER"

// beOther is cabitrans bench with the flags that an Other gives.
func beOther(args []string) error {
	o := Options{Pin: NoPin}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch n, _ := strconv.Atoi(value); name {
		case "--measure":
			o.Measures = []string{value}
		case "--kernel":
			o.Kernels = []string{value}
		case "--column":
			o.Columns = []string{value}
		case "--runs":
			o.Runs = n
		case "--repeats":
			o.Repeats = n
		case "--json":
		default:
			return fmt.Errorf("unexpected argument %q", a)
		}
	}
	r, err := Run(context.Background(), o)
	if err != nil {
		return err
	}
	switch os.Getenv(otherEnv) {
	case "schema":
		r.Schema++
	case "result":
		r.Kernels[0].Result = "1"
	case "old":
		r.Kernels[0].Result = ""
	case "nothing":
		r.Columns = nil
	case "fails":
		return fmt.Errorf("no memory")
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// TestOther: what another program measures stands beside what this one does; what it cannot
// have measured is an error.
func TestOther(t *testing.T) {
	for _, c := range []struct{ wrong, want string }{
		{"fine", ""}, {"schema", "schema 2"}, {"result", "elsewhere"}, {"old", "does not tell the result"},
		{"nothing", "translates nothing"}, {"fails", "no memory"},
	} {
		t.Run(c.wrong, func(t *testing.T) {
			t.Setenv(otherEnv, c.wrong)
			o := Options{Runs: 1, Repeats: 1, Pin: NoPin, Kernels: []string{"qsort"}, Measures: []string{"kernels"},
				Columns: []string{"cache/indirect"}, Others: []Other{{"self", []string{os.Args[0]}}}}
			r, err := Run(context.Background(), o)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			k := r.Kernels[0]
			v, ok := k.Columns["self:cache/indirect"]
			if !ok || v.NS.Min <= 0 || v.BestRatio <= 0 || r.Baseline == "" || k.Columns[r.Baseline].BestRatio != 1 {
				t.Errorf("%+v, to %q", k, r.Baseline)
			}
			if _, ok := r.Means["self:cache/indirect"]; !ok || (len(r.BreakEven) > 0) != directly && len(r.Switches) > 0 {
				t.Errorf("%+v", r.Means)
			}
		})
	}
}

// TestBaseline: without a direct column the first one is what others are compared with, and the
// text says so; a bound means nothing then.
func TestBaseline(t *testing.T) {
	r := &Report{Baseline: "cache/teb", Columns: []Column{{Name: "cache/teb", Kind: KindTranslated}},
		Kernels: []KernelResult{{Name: "fib", Columns: map[string]KernelValues{}}}, Means: map[string]Mean{"cache/teb": {Best: 1}}}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "no ratios to native speed") {
		t.Errorf("%v: %s", err, b.String())
	}
	if _, err := (Bounds{"cache/teb": 2}).Exceeded(r); err == nil {
		t.Error("a bound holds that means nothing")
	}
}
