package bench

import (
	"context"
	"strings"
	"testing"

	"cabitrans/runtime"
)

// TestToolsLeaveCode: code is translated to as many blocks and bytes, with as many links, whether a tool watches or not, but
// for tools that count in it, and for -d, which has landings without copies of what follows. So none of them leaves
// anything in the code of a run without it.
func TestToolsLeaveCode(t *testing.T) {
	if !directly {
		t.Skip("this host has no --profile")
	}
	p, err := Embedded("qsort")
	if err != nil {
		t.Fatal(err)
	}
	of := func(tool *tool) (code [7]uint64) {
		m, err := Translated(context.Background(), p, Setup{N: 1000, Repeats: 2}, Mode{Tier: runtime.TierCache, tool: tool})
		if err != nil {
			t.Fatalf("%s: %v", tool.name, err)
		}
		s := m.Stats
		return [...]uint64{s.Blocks, s.Regions, s.Instructions, s.GuestBytes, s.HostBytes, s.Links, s.TableMisses}
	}
	nothing := of(&tools[0])
	for i := range tools {
		name := tools[i].name
		changes := strings.HasPrefix(name, "--co") || strings.HasPrefix(name, "-d ")
		if got := of(&tools[i]); (got != nothing) != changes {
			t.Errorf("%s: %d, and %d with nothing", name, got, nothing)
		}
	}
}
