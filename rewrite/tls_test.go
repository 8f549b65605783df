package rewrite

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cabitrans/codegen"
)

// TestSelectTLS: what each system has, and its default.
func TestSelectTLS(t *testing.T) {
	swaps := []string{"swap-arch_prctl", "swap-wrfsbase"}
	for _, c := range []struct {
		host  Host
		names []string
	}{
		{Host{OS: "linux"}, []string{"gs", "indirect", "swap-arch_prctl"}},
		{Host{OS: "linux", FSGSBase: true}, append([]string{"gs", "indirect"}, swaps...)},
		{Host{OS: "freebsd", FSGSBase: true}, []string{"gs", "indirect"}},
		{Host{OS: "windows"}, []string{"teb", "indirect"}},
		{Host{OS: "darwin"}, []string{"pthread", "indirect"}},
		{Host{OS: "plan9"}, nil},
	} {
		if got := TLSNames(c.host); !slices.Equal(got, c.names) {
			t.Errorf("%+v: %q, want %q", c.host, got, c.names)
		}
		for _, name := range []string{"", "gs", "teb", "pthread", "indirect", "swap-arch_prctl", "swap-wrfsbase", "GS", " gs"} {
			s, err := SelectTLS(name, c.host)
			want := name
			if name == "" && len(c.names) > 0 {
				want = c.names[0]
			}
			switch here := slices.Contains(c.names, want); {
			case here && (err != nil || s.Name() != want):
				t.Errorf("%+v, %q: %v, %v", c.host, name, s, err)
			case !here && !errors.Is(err, ErrTLS):
				t.Errorf("%+v, %q: the error %v is not ErrTLS", c.host, name, err)
			case !here && !strings.HasSuffix(err.Error(), strings.Join(c.names, ", ")) && len(c.names) > 0:
				t.Errorf("%+v, %q: the error does not say what there is: %v", c.host, name, err)
			}
		}
	}
}

// TestCells: no two words of a thread may be the same, and the guest's is none of them.
func TestCells(t *testing.T) {
	for _, s := range Strategies {
		c := s.Cells(testBlock)
		if c.Block == 0 {
			continue // fields of the block
		}
		all := append(c.Spill[:], c.FSBase, c.RIP, c.ExitArg, c.Exit, c.Entry, c.Block, c.Scratch, -s.GSBase())
		slices.Sort(all)
		for i := range all[1:] {
			if all[i+1] < all[i]+8 {
				t.Errorf("%s: words at %d and %d", s.Name(), all[i], all[i+1])
			}
		}
		if s.FS().Prefix == prefixGS && s.FS().Disp != -s.GSBase() {
			t.Errorf("%s: the guest's word is at %d, %%gs names %d before it", s.Name(), s.FS().Disp, s.GSBase())
		}
		if s.Switch() != codegen.SwitchNone {
			t.Errorf("%s exchanges %%fs", s.Name())
		}
	}
}
