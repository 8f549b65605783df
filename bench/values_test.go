package bench

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		samples                []float64
		median, mad, min, max_ float64
		outliers               []int
	}{
		{[]float64{3}, 3, 0, 3, 3, []int{}},
		{[]float64{4, 2}, 3, 1, 2, 4, []int{}},
		{[]float64{1, 2, 3, 4, 5}, 3, 1, 1, 5, []int{}},
		{[]float64{10, 10.2, 9.9, 30, 10.1}, 10.1, 0.1, 9.9, 30, []int{3}},
		{[]float64{10, 10, 10, 10.05}, 10, 0, 10, 10.05, []int{}}, // half a percent is none
		{[]float64{10, 10, 10, 10.2}, 10, 0, 10, 10.2, []int{3}},
		{[]float64{5, 5, 5, 5, -5}, 5, 0, -5, 5, []int{4}},
	} {
		v := summarize(c.samples)
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
		if !near(v.Median, c.median) || !near(v.MAD, c.mad) || v.Min != c.min || v.Max != c.max_ ||
			!slices.Equal(v.Outliers, c.outliers) || !slices.Equal(v.Samples, c.samples) {
			t.Errorf("%v: %+v", c.samples, v)
		}
	}
	if v := summarize(nil); len(v.Samples) != 0 || v.Outliers == nil {
		t.Errorf("no samples: %+v", v)
	}
	if v := summarize([]float64{2, 4, 6}).scaled(0.5); v.Median != 2 || v.MAD != 1 || v.Samples[0] != 1 {
		t.Errorf("scaled: %+v", v)
	}
}

func TestGeoMean(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{2}, 2}, {[]float64{1, 4}, 2}, {[]float64{0.5, 2}, 1}, {[]float64{1, 2, 4}, 2}} {
		if got := geoMean(c.of); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v", c.of, got)
		}
	}
	if r := ratios([]float64{2, 9, 1}, []float64{1, 3}); !slices.Equal(r, []float64{2, 3}) {
		t.Errorf("ratios %v", r)
	}
}

func TestBreakEven(t *testing.T) {
	for _, c := range []struct {
		mine, other BreakEven
		rate        float64
		ok          bool
	}{
		{BreakEven{Slowdown: 1.1, SwitchNS: 50}, BreakEven{Slowdown: 1, SwitchNS: 450}, 250_000, true},
		{BreakEven{Slowdown: 1, SwitchNS: 50}, BreakEven{Slowdown: 1, SwitchNS: 450}, 0, true},
		{BreakEven{Slowdown: 0.99, SwitchNS: 50}, BreakEven{Slowdown: 1, SwitchNS: 450}, 0, true},
		{BreakEven{Slowdown: 1, SwitchNS: 50}, BreakEven{Slowdown: 1, SwitchNS: 50}, 0, true},
		{BreakEven{Slowdown: 1.1, SwitchNS: 450}, BreakEven{Slowdown: 1, SwitchNS: 50}, 0, false},
		{BreakEven{Slowdown: 0.9, SwitchNS: 450}, BreakEven{Slowdown: 1, SwitchNS: 50}, 0, false},
	} {
		if rate, ok := c.mine.winsFrom(&c.other); math.Abs(rate-c.rate) > 1e-3 || ok != c.ok {
			t.Errorf("%+v over %+v: from %v, %v", c.mine, c.other, rate, ok)
		}
	}
	if got := (&BreakEven{Slowdown: 1.1, SwitchNS: 100}).Time(1e6); math.Abs(got-1.2) > 1e-12 {
		t.Errorf("a million switches take %v", got)
	}
}

func TestBounds(t *testing.T) {
	report := func(best float64) *Report { return &Report{Means: map[string]Mean{"cache/gs": {Best: best}}} }
	b, err := ReadBounds(strings.NewReader(`{"cache/gs": 1.2}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reports []*Report
		want    int
	}{{[]*Report{report(1.1)}, 0}, {[]*Report{report(1.2)}, 0}, {[]*Report{report(1.21)}, 1},
		{[]*Report{report(1.3), report(1.1)}, 0}, {[]*Report{report(1.3), report(1.4)}, 1}} {
		if got, err := b.Exceeded(c.reports...); len(got) != c.want || err != nil {
			t.Errorf("%+v: %q, %v", c.reports[0].Means, got, err)
		}
	}
	if _, err := (Bounds{"home/gs": 1}).Exceeded(report(1)); err == nil {
		t.Error("a bound without a measurement holds")
	}
	for _, text := range []string{"", "{}", "[]", `{"a": 0}`, `{"a": "b"}`} {
		if b, err := ReadBounds(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %v", text, b)
		}
	}
}

func TestParsePeer(t *testing.T) {
	p, err := ParsePeer("as it is=go  run -n")
	if err == nil {
		t.Errorf("a name with spaces: %+v", p)
	}
	if p, err = ParsePeer("own=go  run -n"); err != nil || p.Name != "own" || !slices.Equal(p.Command, []string{"go", "run", "-n"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAgree(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    bool
	}{{[]float64{5}, true}, {[]float64{9, 5, 7, 5.05}, true}, {[]float64{9, 5, 7, 5.2}, false}} {
		if got := agree(map[string][]float64{"a": {1, 1}, "b": c.samples}); got != c.want {
			t.Errorf("%v: %v", c.samples, got)
		}
	}
}
