package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A dim is one thing a row can be restricted to.
type dim int

// In the order in which the tree tests them. They match the split kinds of package decode.
const (
	dimPfx dim = iota
	dimMod
	dimReg
	dimRM
	dimW
	dimLen
	dimBC
	numDims
)

var dimSize = [numDims]int{4, 2, 8, 8, 2, 4, 2}

// A row is one line of a table for one opcode.
type row struct {
	where  string // file:line
	space  int
	opcode int
	masks  [numDims]uint16 // values the row applies to
	name   string
	entry  entry
}

// entry mirrors the entry of package decode, with Go expressions for values.
type entry struct {
	class, attr      map[string]bool
	impR, impW, impK uint16
	reg, rm, vv, op  string
	fr, fw           uint8
	imm, flow        string
	size, tuple      string
}

var spaces = map[string]int{
	"1": 0, "0f": 1, "38": 2, "3a": 3, "3dnow": 4,
	"v1": 9, "v2": 10, "v3": 11, "v5": 13, "v6": 14, "v7": 15,
	"e1": 17, "e2": 18, "e3": 19, "e5": 21, "e6": 22,
	"x8": 24, "x9": 25, "xa": 26,
}

func parse(file, text string) ([]row, error) {
	var rows []row
	for n, line := range strings.Split(text, "\n") {
		if i := strings.IndexByte(line, '#'); i >= 0 {
			line = line[:i]
		}
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		where := fmt.Sprintf("%s:%d", file, n+1)
		if len(f) < 4 {
			return nil, fmt.Errorf("%s: want space, opcodes, constraint, name", where)
		}
		space, ok := spaces[f[0]]
		if !ok {
			return nil, fmt.Errorf("%s: unknown space %q", where, f[0])
		}
		r := row{where: where, space: space, name: f[3]}
		if err := r.constrain(f[2]); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if err := r.tokens(f[4:]); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		ops, err := ranges(f[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		for _, op := range ops {
			r.opcode = op
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// ranges reads "00,08-0b" in hexadecimal.
func ranges(s string) ([]int, error) {
	var out []int
	for _, p := range strings.Split(s, ",") {
		lo, hi, isRange := strings.Cut(p, "-")
		a, err := strconv.ParseUint(lo, 16, 8)
		if err != nil {
			return nil, err
		}
		b := a
		if isRange {
			if b, err = strconv.ParseUint(hi, 16, 8); err != nil {
				return nil, err
			}
		}
		for ; a <= b; a++ {
			out = append(out, int(a))
		}
	}
	return out, nil
}

// constrain reads "66.m./6.w0.l1,2": terms joined by dots, all of which must hold. "-" is no constraint.
func (r *row) constrain(s string) error {
	for d := range r.masks {
		r.masks[d] = 1<<dimSize[d] - 1
	}
	if s == "-" {
		return nil
	}
	var pp uint16
	for _, t := range strings.Split(s, ".") {
		var d dim
		var list string
		switch {
		case t == "np" || t == "66" || t == "f3" || t == "f2":
			pp |= 1 << map[string]uint16{"np": 0, "66": 1, "f3": 2, "f2": 3}[t]
			r.masks[dimPfx] = pp
			continue
		case t == "m":
			d, list = dimMod, "0"
		case t == "r":
			d, list = dimMod, "1"
		case t[0] == '/':
			d, list = dimReg, t[1:]
		case strings.HasPrefix(t, "rm"):
			d, list = dimRM, t[2:]
		case t[0] == 'w':
			d, list = dimW, t[1:]
		case t[0] == 'l':
			d, list = dimLen, t[1:]
		case strings.HasPrefix(t, "bc"):
			d, list = dimBC, t[2:]
		default:
			return fmt.Errorf("unknown constraint %q", t)
		}
		var m uint16
		for _, v := range strings.Split(list, ",") {
			n, err := strconv.Atoi(v)
			if err != nil || n >= dimSize[d] {
				return fmt.Errorf("bad constraint %q", t)
			}
			m |= 1 << n
		}
		r.masks[d] = m
	}
	return nil
}
