package runtime

import (
	"errors"
	"fmt"
	"strings"

	"cabitrans/rewrite"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/loader"
)

// A tier is how guest code is executed (Config.Tier).
const (
	// TierCache is the code cache for everything: what works for all programs, under
	// every TLS strategy.
	TierCache = "cache"
	// TierHome executes text that needs no rewriting, or only such as keeps its length,
	// at its own address, and the rest from the code cache.
	TierHome = "home"
)

// ErrTier is wrapped by Start when Config.Tier names a tier that does not exist or that
// cannot be had. The message says which can.
var ErrTier = errors.New("no such tier")

// Optimisations returns the names that Config.Without may list.
func Optimisations() []string { return append(rewrite.WithoutNames(), "all") }

// Tiers returns the names that Config.Tier may have on this host, the default (that of the
// default strategy) first.
func Tiers() (names []string) {
	for _, name := range []string{TierHome, TierCache} {
		if len(TierTLS(name)) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// TierTLS returns the names that Config.TLS may have in a tier, the default first.
func TierTLS(tier string) (names []string) {
	for _, name := range TLSStrategies() {
		tls, err := rewrite.SelectTLS(name, tlsHost())
		if err == nil {
			_, err = selectTier(tier, tls)
		}
		if err == nil {
			names = append(names, name)
		}
	}
	return names
}

// Tier is the tier in which the process's code is executed.
func (p *Process) Tier() string { return p.tier }

// A tierError says why a tier was refused.
type tierError struct{ why string }

func (e *tierError) Error() string {
	return fmt.Sprintf("%s; there are %s", e.why, strings.Join(Tiers(), ", "))
}

// Is makes errors.Is find ErrTier.
func (e *tierError) Is(target error) bool { return target == ErrTier }

// selectTier returns the tier of the given name, if it can be had with a TLS strategy; for
// an empty one TierHome where it can, else TierCache.
func selectTier(name string, tls rewrite.TLS) (string, error) {
	switch {
	case name == "" && engine.CanHome(tls):
		return TierHome, nil
	case name == "":
		return TierCache, nil
	case name == TierHome && !tls.FS().CanHome():
		return "", &tierError{why: fmt.Sprintf("the tier %s needs a TLS strategy that keeps the length of code, which %s does not",
			name, tls.Name())}
	case name == TierHome && !engine.CanHome(tls):
		return "", &tierError{why: fmt.Sprintf("the tier %s cannot be had on this host", name)}
	case name == TierCache || name == TierHome:
		return name, nil
	}
	return "", &tierError{why: fmt.Sprintf("there is no tier %q", name)}
}

// watchedTier is the tier of a process that would have the given one: what a debugger stops at, and what is written
// down of translations, is made in TierCache. Another one that was asked for is refused.
func watchedTier(c *Config, tier string) (string, error) {
	who := ""
	switch {
	case c.Debug != nil:
		who = "a debugger"
	case c.CodeLog != nil:
		who = "a log of translations"
	case c.Coverage != nil:
		who = "coverage"
	case c.Counts != nil:
		who = "a count of what is executed"
	}
	if who == "" || tier == TierCache {
		return tier, nil
	}
	if c.Tier != "" {
		return "", &tierError{why: fmt.Sprintf("%s cannot follow a program in the tier %s, only in %s", who, tier, TierCache)}
	}
	return TierCache, nil
}

// functions tells where the functions of the process's program are.
func (p *Process) functions() *loader.Functions {
	return &loader.Functions{Unwind: p.program.unwind, Symbols: p.syms, Bias: p.plan.Base}
}
