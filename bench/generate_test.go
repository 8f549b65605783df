package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"cabitrans/runtime"
)

// TestGenerated runs a generated program directly and translated.
func TestGenerated(t *testing.T) {
	for _, size := range []int{100, 10 << 10, 300 << 10} {
		g := generate(size)
		if g.Functions < 1 || g.Text < size || g.Text > size+size/10+1000 {
			t.Errorf("%d bytes were asked for: %d functions, %d bytes", size, g.Functions, g.Text)
		}
		check := func(out []byte, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			var stamps [generatedStamps]uint64
			if n, err := binary.Decode(out, binary.LittleEndian, &stamps); err != nil || n != len(out) {
				t.Fatalf("%d bytes: %v", len(out), err)
			}
			if !slices.IsSorted(stamps[:]) || stamps[0] == stamps[generatedStamps-1] {
				t.Errorf("stamps %v", stamps)
			}
		}
		for _, tier := range runtime.Tiers() {
			out, m, err := translated(context.Background(), g.Program, Setup{}, Mode{Tier: tier})
			check(out, err)
			if tier == runtime.TierCache && int(m.Stats.Instructions) < 10*g.Functions {
				t.Errorf("%d instructions of %d functions were translated", m.Stats.Instructions, g.Functions)
			}
			if tier == runtime.TierHome && g.Functions > 1 && m.Stats.HomePages == 0 {
				t.Errorf("of %d bytes of text nothing was executed at home", g.Text)
			}
		}
		out, err := direct(g.Program, Setup{}, ByArchPrctl)
		if errors.Is(err, ErrNoDirect) {
			continue
		}
		check(out, err)
	}
}
