package memory

import (
	"fmt"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// named is a stretch of pages with a name.
type named struct {
	lo, hi uint64
	name   string
}

// unname removes the names of [lo, hi).
func (s *AddressSpace) unname(lo, hi uint64) {
	apart := func(n named) bool { return n.hi <= lo || n.lo >= hi }
	if !slices.ContainsFunc(s.names, func(n named) bool { return !apart(n) }) {
		return // as nearly always, and then without allocation
	}
	var keep []named
	for _, n := range s.names {
		if apart(n) {
			keep = append(keep, n)
			continue
		}
		if n.lo < lo {
			keep = append(keep, named{n.lo, lo, n.name})
		}
		if n.hi > hi {
			keep = append(keep, named{hi, n.hi, n.name})
		}
	}
	s.names = keep
}

// Describe says in a few words what lies at addr, for people.
func (s *AddressSpace) Describe(addr uint64) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if addr < pageSize {
		return "the null page, where nothing is ever mapped"
	}
	if addr >= host.ArenaHi {
		return "outside guest memory"
	}
	w := s.page[addr/pageSize].Load()
	if w&foreign != 0 {
		return "outside guest memory"
	}
	if w&mapped == 0 {
		return "unmapped memory"
	}
	what := "memory"
	if w&ofObject != 0 {
		what = "a mapped object"
	}
	for _, n := range s.names {
		if addr >= n.lo && addr < n.hi {
			what = n.name
		}
	}
	return fmt.Sprintf("%s, protection %s", what, protString(abi.Mprot(w&protBits)))
}

// protString writes a protection the way listings of mappings do.
func protString(p abi.Mprot) string {
	b := []byte("---")
	for i, bit := range [...]abi.Mprot{abi.ProtRead, abi.ProtWrite, abi.ProtExec} {
		if p&bit != 0 {
			b[i] = "rwx"[i]
		}
	}
	return string(b)
}
