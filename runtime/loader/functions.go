package loader

import (
	"sort"

	"cabitrans/runtime/ehframe"
)

// Functions says where the functions of a program are in memory: by its unwind tables,
// or else by its symbols. It reads them when it is first asked. It is used by one
// goroutine at a time.
type Functions struct {
	Unwind  func() *ehframe.Table // nil if there are none
	Symbols func() *SymTab
	Bias    uint64 // what addresses in memory are higher than those of both

	loaded bool
	table  *ehframe.Table
	funcs  []function // of the symbols, ascending
}

type function struct{ lo, hi uint64 }

// After returns that function which ends behind pc and begins first.
func (f *Functions) After(pc uint64) (lo, hi uint64, ok bool) {
	if !f.loaded {
		f.loaded = true
		if f.table = f.Unwind(); f.table == nil || f.table.Len() == 0 {
			f.table = nil
			f.readSymbols()
		}
	}
	pc = max(pc, f.Bias) - f.Bias
	if f.table != nil {
		lo, hi, ok = f.table.After(pc)
		return lo + f.Bias, hi + f.Bias, ok
	}
	i := sort.Search(len(f.funcs), func(i int) bool { return f.funcs[i].hi > pc })
	if i == len(f.funcs) {
		return 0, 0, false
	}
	return f.funcs[i].lo + f.Bias, f.funcs[i].hi + f.Bias, true
}

// readSymbols takes the functions from the symbol table.
func (f *Functions) readSymbols() {
	if f.Symbols == nil {
		return
	}
	t := f.Symbols()
	if t == nil {
		return
	}
	for i := range t.syms {
		s := &t.syms[i]
		if !s.fn || s.size == 0 {
			continue
		}
		lo, hi := s.addr, s.addr+s.size
		if n := len(f.funcs); n > 0 && lo < f.funcs[n-1].hi { // another name, or a part
			if lo == f.funcs[n-1].lo {
				f.funcs[n-1].hi = max(f.funcs[n-1].hi, hi)
			}
			continue
		}
		f.funcs = append(f.funcs, function{lo: lo, hi: hi})
	}
}
