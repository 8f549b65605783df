//go:build amd64

package host

import (
	"bufio"
	"math/rand/v2"
	"os"
	"testing"
)

// TestStagedMerge: pages and chunks of tables that come one by one, in any order and twice, are one mapping when all
// are there. A process may have 65,530, which a page each was 250 MB of text.
func TestStagedMerge(t *testing.T) {
	if !canStay() {
		t.Skip("the kernel cannot move memory out of a mapping that stays (Linux 5.7)")
	}
	s := space(t)
	const n = 64
	arena := s.Arena()
	border := (arena[len(arena)-1].Hi - 2*stageWindow) &^ (stageWindow - 1) // of two windows
	lo := border - n/2*PageSize
	contents := func(i, round int) byte { return byte(2*i + round + 1) }
	for round := range 2 {
		for _, i := range rand.New(rand.NewPCG(1, uint64(round))).Perm(n) {
			page := make([]byte, PageSize)
			page[0], page[PageSize-1] = contents(i, round), contents(i, round)
			if err := s.Replace(lo+uint64(i)*PageSize, page, true); err != nil {
				t.Fatal(err)
			}
		}
		if m := mappingsIn(t, Range{lo, lo + n*PageSize}); m > 2 {
			t.Errorf("round %d: %d pages are %d mappings", round, n, m)
		}
		for i := range n {
			var page [PageSize]byte
			if _, err := CopyIn(page[:], lo+uint64(i)*PageSize); err != nil {
				t.Fatal(err)
			}
			if c := contents(i, round); page[0] != c || page[1] != 0 || page[PageSize-1] != c {
				t.Errorf("round %d: page %d has %d, %d and %d", round, i, page[0], page[1], page[PageSize-1])
			}
		}
	}
	if err := s.Unmap(lo, n*PageSize); err != nil {
		t.Fatal(err)
	}

	table := Table{Base: TableDisp, Miss: MissBase, Stride: 8}
	const text = TableChunk / 8
	first := lo &^ (8*stageWindow - 1) // a table has 8 windows for one of text
	for _, i := range rand.New(rand.NewPCG(2, 0)).Perm(n) {
		if err := table.Fill(first+uint64(i)*text, 1); err != nil {
			t.Fatal(err)
		}
	}
	if m := mappingsIn(t, Range{table.Slot(first), table.Slot(first + n*text)}); m > 2 {
		t.Errorf("%d chunks are %d mappings", n, m)
	}
	for i := range n {
		pc := first + uint64(i)*text
		if got := table.Get(pc + 1); got != table.Miss+pc+1 {
			t.Errorf("slot of %#x: %#x", pc+1, got)
		}
	}
	if err := table.Drop(first, n); err != nil {
		t.Fatal(err)
	}
}

// mappingsIn counts the mappings of the process that r has to do with.
func mappingsIn(t *testing.T, r Range) (n int) {
	t.Helper()
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if m, ok := parseRange(sc.Text()); ok && m.Lo < r.Hi && m.Hi > r.Lo {
			n++
		}
	}
	return n
}
