package bench

import (
	"context"
	"fmt"
	"slices"
)

// A Translation is what translating a program takes, in a column. Counts are those of
// the last run: they differ between runs by what threads do at the same time, if at all.
type Translation struct {
	Program      string  `json:"program"`
	Column       string  `json:"column"`
	Instructions uint64  `json:"instructions"`
	GuestBytes   uint64  `json:"guest_bytes"`
	HostBytes    uint64  `json:"host_bytes"` // hot code; exits and landings lie apart
	Growth       float64 `json:"growth"`     // HostBytes / GuestBytes
	TableBytes   uint64  `json:"table_bytes"`
	Misses       uint64  `json:"misses"`     // indirect branches that had no entry in the table
	HomePages    uint64  `json:"home_pages"` // executed where they lie, in the home tier
	NS           Values  `json:"ns"`         // decoding, rewriting, publishing
	PerInsn      float64 `json:"ns_per_instruction"`
	PerByte      float64 `json:"ns_per_byte"`
	// AboveNS is how much longer the first call of the kernel takes than directly: what
	// somebody waits for.
	AboveNS *Values `json:"above_ns,omitempty"`
}

// translatedPrograms are the ones that are measured: much code and little.
var translatedPrograms = []string{coldKernel, "qsort"}

// translation measures how fast new code starts to run.
func (r *runner) translation(ctx context.Context) error {
	cs := slices.DeleteFunc(slices.Clone(r.columns), func(c Column) bool { return c.elsewhere() })
	for _, name := range translatedPrograms {
		k, _ := kernelNamed(name)
		s := Setup{N: 1, Repeats: 1}
		spent, first := make(map[string][]float64), make(map[string][]float64)
		last := make(map[string]Measurement)
		err := r.interleave(ctx, "translation of "+k.Name, cs, func(c *Column, run int) error {
			m, err := c.run(ctx, k.Name, s)
			last[c.Name] = m
			spent[c.Name] = append(spent[c.Name], float64(m.Stats.TranslateTime))
			first[c.Name] = append(first[c.Name], float64(m.Best))
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range cs {
			if c.Kind == KindDirect {
				continue
			}
			t := translationOf(k.Name, c.Name, last[c.Name], spent[c.Name])
			if base := first[r.report.Baseline]; base != nil && r.columns[0].Kind == KindDirect {
				v := summarize(differences(first[c.Name], base))
				t.AboveNS = &v
			}
			r.report.Translation = append(r.report.Translation, t)
		}
	}
	return r.manyFunctions(ctx, cs)
}

// coldFunctions is how many functions a large program may execute once before anybody waits for it.
const coldFunctions = 20_000

// manyFunctions measures a generated program of so many functions, each of which is called once: from before
// the first call to behind the last.
func (r *runner) manyFunctions(ctx context.Context, cs []Column) error {
	name := fmt.Sprintf("%s-%d", coldKernel, coldFunctions)
	r.Progress("generating " + name)
	g := generateFunctions(coldFunctions)
	spent, first := make(map[string][]float64), make(map[string][]float64)
	last := make(map[string]Measurement)
	err := r.interleave(ctx, name, cs, func(c *Column, run int) error {
		d, stats, err := c.rounds(ctx, g)
		if err != nil {
			return err
		}
		last[c.Name] = Measurement{Stats: stats}
		spent[c.Name] = append(spent[c.Name], float64(stats.TranslateTime))
		first[c.Name] = append(first[c.Name], d[0])
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range cs {
		if c.Kind == KindDirect {
			continue
		}
		t := translationOf(name, c.Name, last[c.Name], spent[c.Name])
		if base := first[r.report.Baseline]; base != nil && r.columns[0].Kind == KindDirect {
			v := summarize(differences(first[c.Name], base))
			t.AboveNS = &v
		}
		r.report.Translation = append(r.report.Translation, t)
	}
	return nil
}

func translationOf(program, column string, m Measurement, spent []float64) Translation {
	st := m.Stats
	t := Translation{
		Program: program, Column: column, Instructions: st.Instructions, GuestBytes: st.GuestBytes,
		HostBytes: st.HostBytes, Growth: st.Growth, TableBytes: st.TableBytes, Misses: st.TableMisses, HomePages: st.HomePages,
		NS: summarize(spent),
	}
	if st.Instructions > 0 {
		t.PerInsn = t.NS.Median / float64(st.Instructions)
	}
	if st.GuestBytes > 0 {
		t.PerByte = t.NS.Median / float64(st.GuestBytes)
	}
	return t
}
