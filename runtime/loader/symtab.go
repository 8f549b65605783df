package loader

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// symPadding is how far in bytes a function's name reaches beyond its size: compilers align functions to 16 bytes, so
// what follows within that is padding (or the return address of a last call that does not return).
const symPadding = 16

// SymTab gives names to addresses and back. Addresses are link-time addresses. A nil *SymTab knows no names.
type SymTab struct {
	names string   // the string table of the file
	syms  []symbol // ascending by address; of equals the preferred is the last
	reach []uint64 // reach[i] is the end of the farthest-reaching of syms[:i+1]
}

type symbol struct {
	addr, size uint64
	end        uint64 // addr + size; of unsized ones the end of what they cover, above addr
	name       uint32 // offset in names
	fn         bool
	bind       uint8 // 2 global, 1 weak, 0 local
}

// finish sorts the symbols and settles how far each one reaches. Until here end of an unsized one is the end of its
// section.
func (t *SymTab) finish() {
	slices.Reverse(t.syms) // the first in the file is the preferred among equals
	slices.SortStableFunc(t.syms, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(a.weight(), b.weight()))
	})
	t.reach = make([]uint64, len(t.syms))
	var sized, reach uint64 // ends of the farthest sized one and of the farthest of all
	for i := 0; i < len(t.syms); {
		j := i
		for ; j < len(t.syms) && t.syms[j].addr == t.syms[i].addr; j++ {
			if t.syms[j].size > 0 {
				sized = max(sized, t.syms[j].end)
			}
		}
		for ; i < j; i++ {
			s := &t.syms[i]
			if s.size == 0 {
				if j < len(t.syms) {
					s.end = min(s.end, t.syms[j].addr)
				}
				if sized > s.addr { // a label inside a sized symbol
					s.end = min(s.end, sized)
				}
				s.end = max(s.end, s.addr+1)
			}
			reach = max(reach, s.end)
			if s.size > 0 && s.fn {
				reach = max(reach, s.end+symPadding)
			}
			t.reach[i] = reach
		}
	}
}

// weight orders symbols of the same address.
func (s *symbol) weight() int {
	w := int(s.bind)
	if s.fn {
		w += 4
	}
	return w
}

// Grades of how well a symbol names an address.
const (
	outside = iota
	inPadding
	inUnsized
	inObject
	inFunction
)

func (s *symbol) grade(addr uint64) int {
	switch {
	case addr < s.addr:
		return outside
	case s.size == 0 && addr < s.end:
		return inUnsized
	case s.size == 0:
		return outside
	case addr < s.end && s.fn:
		return inFunction
	case addr < s.end:
		return inObject
	case s.fn && addr-s.end < symPadding:
		return inPadding
	}
	return outside
}

// Lookup returns the symbol that addr is in, and the distance in bytes from its start. Functions go before data,
// symbols with a size before those without, the innermost before those around it. A symbol without a size extends to
// the next one or to the end of its section; a function with a size is followed by up to 16 bytes of padding, which
// belong to it unless they are another's. To name the place of a call, look up the return address less 1.
func (t *SymTab) Lookup(addr uint64) (name string, off uint64, ok bool) {
	if t == nil {
		return "", 0, false
	}
	best, bestGrade := -1, outside
	n := sort.Search(len(t.syms), func(i int) bool { return t.syms[i].addr > addr })
	for i := n - 1; i >= 0 && t.reach[i] > addr && bestGrade < inFunction; i-- {
		g := t.syms[i].grade(addr)
		if g > bestGrade || g == inPadding && g == bestGrade && t.syms[i].end > t.syms[best].end {
			best, bestGrade = i, g
		}
	}
	if best < 0 {
		return "", 0, false
	}
	s := &t.syms[best]
	name, _, _ = strings.Cut(t.names[s.name:], "\x00")
	return name, addr - s.addr, true
}

// Addr returns the address of a symbol. Of several with the name a global one is chosen, then the one at the lowest
// address. It takes time proportional to the number of symbols.
func (t *SymTab) Addr(name string) (uint64, bool) {
	if t == nil || name == "" {
		return 0, false
	}
	var best *symbol
	for i := range t.syms {
		s := &t.syms[i]
		if best != nil && s.bind <= best.bind {
			continue
		}
		rest, ok := strings.CutPrefix(t.names[s.name:], name)
		if ok && (rest == "" || rest[0] == 0) {
			best = s
		}
	}
	if best == nil {
		return 0, false
	}
	return best.addr, true
}

// Len returns the number of symbols.
func (t *SymTab) Len() int {
	if t == nil {
		return 0
	}
	return len(t.syms)
}
