package bench

import (
	"context"
	"fmt"
	"slices"

	"cabitrans/runtime"
)

// A Column is one way to run a program.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// About is for people: what it does.
	About string `json:"about"`
	// Tier and TLS are those of a translated column, Exchange that of a direct one,
	// Command that of a peer or an other.
	Tier     string   `json:"tier,omitempty"`
	TLS      string   `json:"tls,omitempty"`
	Exchange Exchange `json:"exchange,omitempty"`
	Command  []string `json:"command,omitempty"`
	// Without is runtime.Config.Without of a translated column.
	Without string `json:"without,omitempty"`

	builds *linuxBuilds
}

// Kind is a kind of column.
type Kind string

// The kinds there are.
const (
	KindDirect     Kind = "direct"     // untranslated, in this process
	KindTranslated Kind = "translated" // as a guest
	KindPeer       Kind = "peer"       // the Linux build, by a command of the host
	KindOther      Kind = "other"      // as a guest of another build of this program, or of one on another system
)

// columns lists what this host can run, the baseline first, and says what is missing.
func columns() (cs []Column, missing []string) {
	strategies := runtime.TLSStrategies()
	if directly {
		cs = append(cs, directColumn(ByArchPrctl, "two host system calls exchange %fs at every switch"))
		if slices.Contains(strategies, "swap-wrfsbase") {
			cs = append(cs, directColumn(ByWRFSBASE, "two instructions WRFSBASE exchange %fs at every switch"))
		} else {
			missing = append(missing, "direct/wrfsbase: this host does not let processes use WRFSBASE")
		}
	} else {
		missing = append(missing, fmt.Sprintf("direct/arch_prctl and direct/wrfsbase: %v", ErrNoDirect))
	}
	if err := runtime.Prepare(); err != nil {
		missing = append(missing, fmt.Sprintf("all translated columns: %v", err))
		return cs, missing
	}
	for _, tier := range runtime.Tiers() {
		for _, tls := range runtime.TierTLS(tier) {
			cs = append(cs, Column{
				Name: tier + "/" + tls, Kind: KindTranslated, Tier: tier, TLS: tls, About: aboutTLS[tls],
			})
		}
	}
	return cs, missing
}

var aboutTLS = map[string]string{
	"gs":              "%fs rewritten to %gs",
	"teb":             "%fs rewritten to a slot of the thread environment block",
	"indirect":        "the base loaded for every access",
	"swap-arch_prctl": "nothing rewritten; two host system calls exchange %fs at every switch",
	"swap-wrfsbase":   "nothing rewritten; two instructions WRFSBASE exchange %fs at every switch",
}

func directColumn(e Exchange, about string) Column {
	return Column{Name: "direct/" + string(e), Kind: KindDirect, Exchange: e, About: "not translated; " + about}
}

// withoutColumns are the code cache under its default strategy, each without one of the
// optimisations named.
func withoutColumns(cs []Column, names []string) (more []Column) {
	i := slices.IndexFunc(cs, func(c Column) bool { return c.Tier == runtime.TierCache })
	if i < 0 {
		return nil
	}
	for _, name := range names {
		c := cs[i]
		c.Name += "-without-" + name
		c.About += "; the optimisation " + name + " left out"
		c.Without = name
		more = append(more, c)
	}
	return more
}

// run runs a kernel.
func (c *Column) run(ctx context.Context, kernel string, s Setup) (Measurement, error) {
	switch c.Kind {
	case KindPeer:
		return c.runPeer(ctx, kernel, s)
	case KindOther:
		return c.runOther(ctx, kernel, s)
	}
	p, err := Embedded(kernel)
	if err != nil {
		return Measurement{}, err
	}
	if c.Kind == KindDirect {
		return Direct(p, s, c.Exchange)
	}
	return Translated(ctx, p, s, c.mode())
}

// rounds runs a generated program, and returns how long each of its rounds took.
func (c *Column) rounds(ctx context.Context, g generated) (ns [generatedStamps - 1]float64, _ runtime.Stats, err error) {
	out, stats, err := c.output(ctx, g.Program, Setup{})
	if err == nil {
		ns, err = g.rounds(out)
	}
	return ns, stats, err
}

// output is what any program prints.
func (c *Column) output(ctx context.Context, p Program, s Setup) ([]byte, runtime.Stats, error) {
	if c.Kind == KindDirect {
		out, err := direct(p, s, c.Exchange)
		return out, runtime.Stats{}, err
	}
	out, m, err := translated(ctx, p, s, c.mode())
	return out, m.Stats, err
}

// elsewhere reports whether the column is another program's: of kernels only.
func (c *Column) elsewhere() bool { return c.Kind == KindPeer || c.Kind == KindOther }

func (c *Column) mode() Mode { return Mode{TLS: c.TLS, Tier: c.Tier, Without: c.Without} }

// headline picks the columns that a first look is for: the baseline, and the default
// strategy of each tier, peers and others.
func headline(cs []Column) (picked []Column) {
	seen := make(map[string]bool)
	for _, c := range cs {
		if c.elsewhere() || c.Kind == KindDirect && len(picked) == 0 || c.Kind == KindTranslated && !seen[c.Tier] {
			picked = append(picked, c)
			seen[c.Tier] = true
		}
	}
	return picked
}
