package bench

import (
	"context"
	"fmt"
)

// A TextResult is what a generated program of a size costs in a column: functions that
// are called one after another, each twice directly and then twice indirectly. Times
// are per function called.
type TextResult struct {
	Column    string `json:"column"`
	Text      int    `json:"text_bytes"`
	Functions int    `json:"functions"`
	FirstNS   Values `json:"first_ns"`  // the first call: with translation
	AgainNS   Values `json:"again_ns"`  // the second
	MissNS    Values `json:"miss_ns"`   // the first indirect call: there is no entry in the table yet
	LookupNS  Values `json:"lookup_ns"` // the second

	Instructions uint64  `json:"instructions"`
	HostBytes    uint64  `json:"host_bytes"`
	Growth       float64 `json:"growth"`
	TableBytes   uint64  `json:"table_bytes"`
	Misses       uint64  `json:"misses"`
	Flushes      uint64  `json:"flushes"`
	TranslateNS  *Values `json:"translate_ns,omitempty"` // of everything
}

// textSizes are those that are measured, in bytes.
var textSizes = []int{10 << 10, 100 << 10, 1 << 20, 10 << 20, 50 << 20}

// textRuns are enough where differences are tenfold: the largest program takes seconds.
const textRuns = 3

// text measures generated programs.
func (r *runner) text(ctx context.Context) error {
	cs := make([]Column, 0, len(r.columns))
	for _, c := range headline(r.columns) {
		if !c.elsewhere() {
			cs = append(cs, c)
		}
	}
	sizes := textSizes
	if r.Short {
		sizes = sizes[:3]
	}
	for _, size := range sizes {
		r.Progress(fmt.Sprintf("generating %d KiB of text", size>>10))
		if err := r.textOf(ctx, cs, generate(size)); err != nil {
			return err
		}
	}
	return nil
}

// textOf measures one of them.
func (r *runner) textOf(ctx context.Context, cs []Column, g generated) error {
	samples := make(map[string]*[generatedStamps][]float64) // the last: translation
	results := make(map[string]*TextResult)
	for _, c := range cs {
		samples[c.Name] = new([generatedStamps][]float64)
		results[c.Name] = &TextResult{Column: c.Name, Text: g.Text, Functions: g.Functions}
	}
	what := fmt.Sprintf("%d KiB of text", g.Text>>10)
	err := r.interleaveRuns(ctx, min(r.Runs, textRuns), what, cs, func(c *Column, run int) error {
		d, stats, err := c.rounds(ctx, g)
		if err != nil {
			return err
		}
		s := samples[c.Name]
		for i, ns := range d {
			s[i] = append(s[i], ns/float64(g.Functions))
		}
		s[generatedStamps-1] = append(s[generatedStamps-1], float64(stats.TranslateTime))
		t := results[c.Name]
		t.Instructions, t.HostBytes, t.Growth = stats.Instructions, stats.HostBytes, stats.Growth
		t.TableBytes, t.Misses, t.Flushes = stats.TableBytes, stats.TableMisses, stats.Flushes
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range cs {
		t, s := results[c.Name], samples[c.Name]
		t.FirstNS, t.AgainNS, t.MissNS, t.LookupNS = summarize(s[0]), summarize(s[1]), summarize(s[2]), summarize(s[3])
		if c.Kind == KindTranslated {
			v := summarize(s[generatedStamps-1])
			t.TranslateNS = &v
		}
		r.report.Text = append(r.report.Text, *t)
	}
	return nil
}
