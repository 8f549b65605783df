package bench

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A StartResult is what a process costs that runs the smallest guest, beside one of
// the same program that does nothing.
type StartResult struct {
	EmptyNS  Values               `json:"empty_ns"`  // from the start of the process to its end
	EmptyKiB Values               `json:"empty_kib"` // resident at most; zeros where the host does not tell
	Hello    map[string]HelloCost `json:"hello"`
}

// HelloCost is that of a column. Extra is per run: the time, and the memory, above the
// empty process of the same run.
type HelloCost struct {
	NS       Values `json:"ns"`
	ExtraNS  Values `json:"extra_ns"`
	KiB      Values `json:"kib"`
	ExtraKiB Values `json:"extra_kib"`
}

// startsInARun are how many processes one sample is the shortest of: a start is short,
// and a busy machine disturbs most.
const startsInARun = 5

// start measures fresh processes.
func (r *runner) start(ctx context.Context) error {
	cs := r.translatedColumns()
	if len(r.Self) == 0 || len(cs) == 0 {
		return nil
	}
	empty := Column{Name: "empty"}
	ns, kib := make(map[string][]float64), make(map[string][]float64)
	err := r.interleave(ctx, "start", append([]Column{empty}, cs...), func(c *Column, run int) error {
		args := []string{"hello", c.Tier, c.TLS}
		if c.Kind == "" {
			args = []string{"empty"}
		}
		t, m, err := r.child(ctx, args)
		ns[c.Name], kib[c.Name] = append(ns[c.Name], t), append(kib[c.Name], m)
		return err
	})
	if err != nil {
		return err
	}
	s := &StartResult{EmptyNS: summarize(ns[empty.Name]), EmptyKiB: summarize(kib[empty.Name]),
		Hello: make(map[string]HelloCost)}
	for _, c := range cs {
		s.Hello[c.Name] = HelloCost{
			NS: summarize(ns[c.Name]), ExtraNS: summarize(differences(ns[c.Name], ns[empty.Name])),
			KiB: summarize(kib[c.Name]), ExtraKiB: summarize(differences(kib[c.Name], kib[empty.Name])),
		}
	}
	r.report.Start = s
	return nil
}

// child is the shortest of some starts, and the least memory.
func (r *runner) child(ctx context.Context, args []string) (ns, kib float64, err error) {
	command := append(append([]string(nil), r.Self...), args...)
	for i := range startsInARun {
		begin := hostClock()
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
		took := float64(hostClock() - begin)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
		m, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s wrote %q: %w", strings.Join(command, " "), out, err)
		}
		if i == 0 || took < ns {
			ns = took
		}
		if i == 0 || m < kib {
			kib = m
		}
	}
	return ns, kib, nil
}

func differences(a, b []float64) []float64 {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}
