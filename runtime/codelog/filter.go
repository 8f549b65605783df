package codelog

import (
	"fmt"
	"strconv"
	"strings"
)

// A Filter says which addresses are of interest; an empty one, that all are.
type Filter []spec

// A spec is a range before its names are known: from lo, of size bytes, or up to and including hi. With neither, it
// is the function lo.
type spec struct {
	text   string
	lo, hi place
	size   uint64
}

// A place is an address or a name.
type place struct {
	name string
	addr uint64
}

// ParseFilter reads ranges separated by commas: START..END, START+SIZE, or the name of a function. START and END are
// addresses or names. The error wraps ErrFilter.
func ParseFilter(s string) (f Filter, err error) {
	for text := range strings.SplitSeq(s, ",") {
		r, err := parseSpec(text)
		if err != nil {
			return nil, err
		}
		f = append(f, r)
	}
	return f, nil
}

// String is what ParseFilter has read.
func (f Filter) String() string {
	var out []string
	for _, s := range f {
		out = append(out, s.text)
	}
	return strings.Join(out, ",")
}

func parseSpec(text string) (s spec, err error) {
	s.text = text
	if lo, hi, ok := strings.Cut(text, ".."); ok {
		if s.lo, err = parsePlace(lo, text); err == nil {
			s.hi, err = parsePlace(hi, text)
		}
		if err == nil && s.lo.name == "" && s.hi.name == "" && s.hi.addr < s.lo.addr {
			err = fmt.Errorf("%w as %q: its end is before its begin", ErrFilter, text)
		}
		return s, err
	}
	lo, size, sized := strings.Cut(text, "+")
	if s.lo, err = parsePlace(lo, text); err != nil {
		return s, err
	}
	if sized {
		if s.size, err = strconv.ParseUint(size, 0, 64); err != nil || s.size == 0 {
			return s, fmt.Errorf("%w as %q: %q is not a size in bytes", ErrFilter, text, size)
		}
	} else if s.lo.name == "" {
		s.size = 1
	}
	return s, nil
}

func parsePlace(s, whole string) (place, error) {
	if s == "" {
		return place{}, fmt.Errorf("%w as %q; a range is START..END, START+SIZE or the name of a function", ErrFilter, whole)
	}
	if s[0] < '0' || s[0] > '9' {
		return place{name: s}, nil
	}
	addr, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return place{}, fmt.Errorf("%w as %q: %q is not an address, such as 0x5fff9000", ErrFilter, whole, s)
	}
	return place{addr: addr}, nil
}

// Range is the addresses from Lo up to Hi.
type Range struct{ Lo, Hi uint64 }

// A Symbol finds the function of a name in memory; its size may be unknown, 0.
type Symbol func(name string) (addr, size uint64, ok bool)

// Resolve finds the names; the error, which wraps ErrFilter, tells of those that are unknown, and the ranges are the
// others.
func (f Filter) Resolve(symbol Symbol) (out []Range, err error) {
	for _, s := range f {
		r, bad := s.resolve(symbol)
		if bad != nil {
			err = bad
			continue
		}
		out = append(out, r)
	}
	return out, err
}

func (s *spec) resolve(symbol Symbol) (r Range, err error) {
	var size uint64
	if r.Lo, size, err = s.lo.resolve(symbol); err != nil {
		return r, err
	}
	switch {
	case s.hi != place{}:
		r.Hi, _, err = s.hi.resolve(symbol)
		if r.Hi < r.Lo && err == nil {
			err = fmt.Errorf("%w as %q: its end is before its begin", ErrFilter, s.text)
		}
		r.Hi++
	case s.size != 0:
		r.Hi = r.Lo + s.size
	default:
		r.Hi = r.Lo + max(size, 1)
	}
	return r, err
}

func (p *place) resolve(symbol Symbol) (addr, size uint64, err error) {
	if p.name == "" {
		return p.addr, 0, nil
	}
	addr, size, ok := symbol(p.name)
	if !ok {
		err = fmt.Errorf("%w: the program has no symbol %q", ErrFilter, p.name)
	}
	return addr, size, err
}
