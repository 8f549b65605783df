package engine

import (
	"slices"
	"testing"

	"cabitrans/rewrite"
)

// strategies are those that this host can execute. Those made for other systems are
// among them: a host that lets user space choose its %gs base can give a thread a
// block that looks like theirs. Any other has its own. In short there is one of a kind.
func strategies() (list []rewrite.TLS) {
	have := make(map[string]bool)
	h := TLSHost()
	if h.OS == "linux" {
		h.OS = rewrite.AnyOS
	}
	for _, s := range rewrite.Strategies {
		if s.Check(h) != nil {
			continue
		}
		s = s.On(h)
		if have[s.Name()] {
			continue
		}
		if short := []string{"gs", "indirect", "swap-arch_prctl"}; h.OS == rewrite.AnyOS && testing.Short() &&
			!slices.Contains(short, s.Name()) {
			continue
		}
		have[s.Name()] = true
		list = append(list, s)
	}
	return list
}

// optionsOf are the options that a test of everything goes through under a strategy: all
// under the default one, a choice under others.
func optionsOf(tls rewrite.TLS) []rewrite.Options {
	switch {
	case tls.Name() == "gs":
		return []rewrite.Options{{}, {KeepR11: true}, {MovingBase: true}, {KeepR11: true, MovingBase: true},
			{KeepR11: true, Strict: true}, {KeepR11: true, Strict: true, MovingBase: true, MovingGS: true}}
	case tls.FS().Follows(): // a base that moves changes nothing
		return []rewrite.Options{{}, {KeepR11: true}, {KeepR11: true, Strict: true}}
	}
	return []rewrite.Options{{}, {KeepR11: true, MovingBase: true}, {KeepR11: true, Strict: true, MovingBase: true}}
}

// eachTLS runs a test under every strategy.
func eachTLS(t *testing.T, test func(*testing.T, rewrite.TLS)) {
	for _, s := range strategies() {
		t.Run(s.Name(), func(t *testing.T) { test(t, s) })
	}
}
