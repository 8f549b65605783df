package chart

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cabitrans/bench"
	"cabitrans/internal/golden"
)

// results are those that bench/README.md shows.
var results = filepath.Join("..", "results")

func load(t *testing.T) *bench.Report {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(results, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := new(bench.Report)
	if err := json.Unmarshal(b, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCharts: the drawings of the committed results are those of the committed report,
// and all are there; -update draws them anew.
func TestCharts(t *testing.T) {
	cs, err := Charts(load(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cs {
		names = append(names, c.Name)
		golden.Check(t, filepath.Join(results, c.Name+".svg"), string(c.SVG))
		wellFormed(t, c.Name, c.SVG)
		if c.Title == "" || c.About == "" {
			t.Errorf("%s has no text", c.Name)
		}
	}
	if want := []string{"kernels", "means", "switches", "breakeven", "threads", "size", "lookup"}; !slices.Equal(names, want) {
		t.Errorf("charts %q, not %q", names, want)
	}
}

// wellFormed reads a drawing as XML, and checks that no coordinate is missing.
func wellFormed(t *testing.T, name string, svg []byte) {
	t.Helper()
	if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
		t.Errorf("%s has coordinates that are no numbers", name)
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s, ok := token.(xml.StartElement); ok {
			if elements == 0 && s.Name.Local != "svg" {
				t.Errorf("%s begins with %s", name, s.Name.Local)
			}
			elements++
		}
	}
	if elements < 10 {
		t.Errorf("%s has %d elements", name, elements)
	}
}

// TestHTML: the page refers to nothing outside, and has all charts.
func TestHTML(t *testing.T) {
	r := load(t)
	r.Missing = append(r.Missing, "a column: <script>")
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	outside := regexp.MustCompile(`(?i)(src|href|url|import|https?:)[^\n]{0,40}`)
	names := regexp.MustCompile(`xmlns(:\w+)?="http://www\.w3\.org/[^"]*"`) // of languages, not of places
	if found := outside.FindAllString(names.ReplaceAllString(page, ""), -1); found != nil {
		t.Errorf("the page refers to %q", found)
	}
	if strings.Contains(page, "<script>") {
		t.Error("text is not escaped")
	}
	if n := strings.Count(page, "<svg"); n != 7 || n != strings.Count(page, "</svg>") {
		t.Errorf("%d charts", n)
	}
	for _, want := range []string{"direct/arch_prctl", "geometric mean", "<!DOCTYPE html>", "interp-goto"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestFew draws reports that lack nearly everything.
func TestFew(t *testing.T) {
	values := func(v ...float64) bench.Values { return bench.Values{Samples: v, Median: v[0], Min: v[0], Max: v[0]} }
	ratio := values(1)
	one := &bench.Report{Baseline: "direct/arch_prctl", Headline: []string{"direct/arch_prctl", "cache/gs"},
		Columns: []bench.Column{{Name: "cache/gs"}},
		Kernels: []bench.KernelResult{{Name: "fib", Columns: map[string]bench.KernelValues{
			"cache/gs": {NS: values(10), Ratio: &ratio}}}},
		Text: []bench.TextResult{{Column: "cache/gs", Text: 1000, HostBytes: 2000, FirstNS: values(5)}}}
	for _, c := range []struct {
		r    *bench.Report
		want []string
	}{
		{&bench.Report{}, nil},
		{&bench.Report{Kernels: []bench.KernelResult{{Name: "fib"}}}, nil},
		{one, []string{"kernels", "size", "lookup"}},
	} {
		cs, err := Charts(c.r)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, chart := range cs {
			names = append(names, chart.Name)
			wellFormed(t, chart.Name, chart.SVG)
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("charts %q, not %q", names, c.want)
		}
		if err := WriteHTML(io.Discard, c.r); err != nil {
			t.Error(err)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(ts []tick) string {
		var s []string
		for i, x := range ts {
			s = append(s, x.label)
			if i > 0 && !(x.at > ts[i-1].at) || math.IsNaN(x.at) {
				t.Errorf("ticks %v", ts)
			}
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct{ got, want string }{
		{labels(linearTicks(0, 1.2)), "0 0.2 0.4 0.6 0.8 1 1.2"},
		{labels(linearTicks(0, 430)), "0 50 100 150 200 250 300 350 400 450"},
		{labels(linearTicks(0, 3)), "0 0.5 1 1.5 2 2.5 3"},
		{labels(logTicks(5, 5, si("B"))), "1B 10B"},
		{labels(logTicks(1e3, 1e6, si("B"))), "1kB 10kB 100kB 1MB"},
		{labels(logTicks(0.02, 3, duration)), "0.01 ns 0.1 ns 1 ns 10 ns"},
		{labels(twoTicks([]float64{1, 2, 16})), "1 2 4 8 16"},
		{labels(twoTicks([]float64{1})), "1 2"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}
