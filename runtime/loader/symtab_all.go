package loader

import "strings"

// Symbol is one entry of a symbol table that names something in memory.
type Symbol struct {
	Name string
	Addr uint64 // link-time address
	Size uint64 // in bytes; 0 if the table does not say
	Func bool
}

// All yields the symbols in ascending order of address.
func (t *SymTab) All(yield func(Symbol) bool) {
	if t == nil {
		return
	}
	for i := range t.syms {
		s := &t.syms[i]
		name, _, _ := strings.Cut(t.names[s.name:], "\x00")
		if !yield(Symbol{Name: name, Addr: s.addr, Size: s.size, Func: s.fn}) {
			return
		}
	}
}
