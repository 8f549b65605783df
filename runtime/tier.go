package runtime

import (
	"errors"
	"fmt"
	"strings"
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

// Tiers returns the names that Config.Tier may have, the default first.
func Tiers() []string { return []string{TierCache} }

// A tierError says why a tier was refused.
type tierError struct{ why string }

func (e *tierError) Error() string {
	return fmt.Sprintf("%s; there are %s", e.why, strings.Join(Tiers(), ", "))
}

// Is makes errors.Is find ErrTier.
func (e *tierError) Is(target error) bool { return target == ErrTier }

// selectTier returns the tier of the given name, or the default for an empty one.
func selectTier(name string) (string, error) {
	switch name {
	case "":
		return TierCache, nil
	case TierCache:
		return name, nil
	case TierHome:
		return "", &tierError{why: "the tier home is not built yet"}
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
	}
	if who == "" || tier == TierCache {
		return tier, nil
	}
	if c.Tier != "" {
		return "", &tierError{why: fmt.Sprintf("%s cannot follow a program in the tier %s, only in %s", who, tier, TierCache)}
	}
	return TierCache, nil
}
