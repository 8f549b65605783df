package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cabitrans/rewrite"
	"cabitrans/runtime/loader"
)

// Errors of Disasm: what was asked for is not there. All are sentences.
var (
	ErrNoSymbol = errors.New("there is no such symbol")
	ErrNotText  = errors.New("there are no instructions")
	ErrPlace    = errors.New("it lies outside of guest memory, for which alone there are translations")
)

// Query is what Disasm is asked for.
type Query struct {
	What   string // a symbol, or an address such as 0x19d0; empty for the whole program
	TLS    string // a strategy, or AllTLS; empty for the first
	Moving bool   // as it is once the program has moved its %fs base
}

// AllTLS asks for the translations of every strategy.
const AllTLS = "all"

// TLSNames lists the strategies, whichever host they are for.
func TLSNames() []string { return rewrite.TLSNames(anyHost) }

var anyHost = rewrite.Host{OS: rewrite.AnyOS, FSGSBase: true}

// A Listing is a stretch of the program with its translations, one after the other: a function, or what lies between
// functions.
type Listing struct {
	Name  string // of the function; empty if it has none
	Addr  uint64
	TLS   []string // names of the strategies
	Lines [][]Line // by strategy; all have the same guest instructions
}

// Disasm yields the listings that q asks for, which are the consumer's to keep. Errors wrap one of the above,
// rewrite.ErrTLS, or are of reading the file.
func (p *Program) Disasm(q Query, yield func(*Listing) error) error {
	if p.image.Hi > guestHi || p.image.Lo < guestLo && !p.image.PIE {
		return fmt.Errorf("%w: %#x to %#x", ErrPlace, p.image.Lo, p.image.Hi)
	}
	names := []string{q.TLS}
	if q.TLS == AllTLS {
		names = TLSNames()
	}
	var ts []*translator
	for i, name := range names {
		tls, err := rewrite.SelectTLS(name, anyHost)
		if err != nil {
			return err
		}
		names[i] = tls.Name()
		ts = append(ts, p.newTranslator(tls, rewrite.Options{MovingBase: q.Moving}))
	}
	ranges, err := p.ranges(q.What)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		code := p.at(r.lo, r.hi-r.lo)
		if code == nil {
			return fmt.Errorf("cannot read %#x to %#x: %w", r.lo, r.hi, loader.ErrTruncated)
		}
		if err := p.pieces(r, code, ts, names, yield); err != nil {
			return err
		}
	}
	return nil
}

// pieces yields the listings of one function, which a large one has several of.
func (p *Program) pieces(r function, code []byte, ts []*translator, names []string, yield func(*Listing) error) error {
	_, called := slices.BinarySearchFunc(p.funcs, r.lo, compareLo)
	for at, n := 0, 0; at < len(code); at += n {
		addr := r.lo + uint64(at)
		l := &Listing{Name: p.place(addr), Addr: addr, TLS: names}
		for _, t := range ts {
			var lines []Line
			lines, n = t.translate(code[at:], addr, called && at == 0)
			l.Lines = append(l.Lines, lines)
		}
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}

// ranges finds what is asked for.
func (p *Program) ranges(what string) ([]function, error) {
	if what == "" {
		var out []function
		for _, s := range p.text {
			for lo := s.Vaddr; lo < s.Vaddr+s.Filesz; {
				hi := p.nextFunction(lo, s.Vaddr+s.Filesz)
				out = append(out, function{lo: lo, hi: hi})
				lo = hi
			}
		}
		return out, nil
	}
	addr, ok := p.syms.Addr(what)
	if !ok {
		var err error
		if addr, err = strconv.ParseUint(strings.TrimPrefix(what, "0x"), 16, 64); err != nil || !strings.HasPrefix(what, "0x") {
			why := "an address begins with 0x"
			if p.syms.Len() == 0 {
				why = "the program has none; " + why
			}
			return nil, fmt.Errorf("%w as %q; %s", ErrNoSymbol, what, why)
		}
	}
	for _, s := range p.text {
		if addr-s.Vaddr < s.Filesz {
			hi := p.nextFunction(addr, s.Vaddr+s.Filesz)
			if f, ok := p.functionAt(addr); ok && f.hi > addr {
				hi = min(f.hi, s.Vaddr+s.Filesz)
			}
			return []function{{lo: addr, hi: hi}}, nil
		}
	}
	return nil, fmt.Errorf("%w at %#x; executable are %s", ErrNotText, addr, p.textRanges())
}

// nextFunction is where the first function behind addr begins, at most end.
func (p *Program) nextFunction(addr, end uint64) uint64 {
	i, _ := slices.BinarySearchFunc(p.funcs, addr+1, compareLo)
	if i < len(p.funcs) {
		return min(p.funcs[i].lo, end)
	}
	return end
}

func (p *Program) textRanges() string {
	var out []string
	for _, s := range p.text {
		out = append(out, fmt.Sprintf("%#x to %#x", s.Vaddr, s.Vaddr+s.Filesz))
	}
	return strings.Join(out, ", ")
}
