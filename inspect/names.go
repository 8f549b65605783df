package inspect

import (
	"bytes"
	"slices"
	"strings"

	"cabitrans/runtime/abi"
)

// How VDSO.Form calls the two ways of writing names.
const (
	formSymbol = "symbol"
	formName   = "name"
)

// fewNames is how many bare names of calls must be there to be believed: "poll" may be any program's word. The C
// library's table has all.
const fewNames = 8

// vdsoNames finds the names of system calls in loaded data, each ended by a zero byte, and the functions that the
// symbol table has for them.
func (p *Program) vdsoNames() (v VDSO, err error) {
	symbols, names := map[string]bool{}, map[string]bool{}
	for _, s := range p.image.Segments {
		b, err := p.read(s.Off, s.Filesz)
		if err != nil {
			return v, err
		}
		findNames(b, symbols, names)
	}
	switch {
	case len(symbols) > 0:
		v.Form, v.Names = formSymbol, sorted(symbols)
	case len(names) >= fewNames:
		v.Form, v.Names = formName, sorted(names)
	default:
		v.Names = []string{}
	}
	functions := map[string]bool{}
	for s := range p.syms.All {
		if name, ok := strings.CutPrefix(s.Name, abi.SymbolPrefix); ok && s.Func {
			functions[name] = true
		}
	}
	v.Functions = sorted(functions)
	return v, nil
}

// findNames adds the strings of b that name a call, with and without the prefix.
func findNames(b []byte, symbols, names map[string]bool) {
	for len(b) > 0 {
		n := bytes.IndexByte(b, 0)
		if n < 0 {
			return
		}
		// A string that begins behind other data counts if it has the prefix.
		s := string(b[max(0, n-maxName):n])
		if i := strings.LastIndex(s, abi.SymbolPrefix); i >= 0 {
			if name := s[i+len(abi.SymbolPrefix):]; isName(name) {
				symbols[name] = true
			}
		} else if _, ok := abi.ByName(s); ok && n <= maxName {
			names[s] = true
		}
		b = b[n+1:]
	}
}

// maxName is longer than every name of a call with its prefix.
const maxName = 64

// isName reports whether s may name a call, of whatever version of the ABI.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == ""
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
