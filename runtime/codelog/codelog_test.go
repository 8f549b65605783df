package codelog

import (
	"errors"
	"fmt"
	"testing"
)

func TestParseItems(t *testing.T) {
	const there = "; there are in_asm, out_asm, blocks, links, separated by commas"
	for _, c := range []struct {
		in   string
		want Items
		err  string
	}{
		{"in_asm", InASM, ""},
		{"in_asm,out_asm,blocks,links", InASM | OutASM | Blocks | Links, ""},
		{"links,links", Links, ""},
		{"op", 0, `there is no "op"` + there},
		{"", 0, "a name is missing" + there},
		{"blocks,", 0, "a name is missing" + there},
	} {
		got, err := ParseItems(c.in)
		if text := fmt.Sprint(err); got != c.want || c.err == "" && err != nil || c.err != "" && text != c.err {
			t.Errorf("%q: %b, %v, want %b, %s", c.in, got, err, c.want, c.err)
		}
	}
}

func TestFilter(t *testing.T) {
	symbol := func(name string) (addr, size uint64, ok bool) {
		switch name {
		case "main":
			return 0x1000, 0x40, true
		case "label":
			return 0x2000, 0, true
		}
		return 0, 0, false
	}
	for _, c := range []struct{ in, want string }{
		{"0x10..0x1f", "[{0x10 0x20}]"},
		{"0x10+0x10", "[{0x10 0x20}]"},
		{"16+1", "[{0x10 0x11}]"},
		{"0x10", "[{0x10 0x11}]"},
		{"main", "[{0x1000 0x1040}]"},
		{"label", "[{0x2000 0x2001}]"},
		{"main+8,main..label", "[{0x1000 0x1008} {0x1000 0x2001}]"},
		{"", `no such range as ""; a range is START..END, START+SIZE or the name of a function`},
		{"main,", `no such range as ""; a range is START..END, START+SIZE or the name of a function`},
		{"..5", `no such range as "..5"; a range is START..END, START+SIZE or the name of a function`},
		{"0x10..", `no such range as "0x10.."; a range is START..END, START+SIZE or the name of a function`},
		{"5..4", `no such range as "5..4": its end is before its begin`},
		{"label..main", `no such range as "label..main": its end is before its begin`},
		{"main+0", `no such range as "main+0": "0" is not a size in bytes`},
		{"main+x", `no such range as "main+x": "x" is not a size in bytes`},
		{"0x5g", `no such range as "0x5g": "0x5g" is not an address, such as 0x5fff9000`},
		{"mian", `no such range: the program has no symbol "mian"`},
	} {
		f, err := ParseFilter(c.in)
		var got []Range
		if err == nil {
			if f.String() != c.in {
				t.Errorf("%q is written as %q", c.in, f)
			}
			got, err = f.Resolve(symbol)
		}
		text := fmt.Sprintf("%#x", got)
		if err != nil {
			text = err.Error()
			if !errors.Is(err, ErrFilter) {
				t.Errorf("%q: %v does not wrap ErrFilter", c.in, err)
			}
		}
		if text != c.want {
			t.Errorf("%q: %s, want %s", c.in, text, c.want)
		}
	}
}

// TestFilterResolvesTheRest: a name that another program lacks leaves the other ranges.
func TestFilterResolvesTheRest(t *testing.T) {
	f, err := ParseFilter("gone,0x10+1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Resolve(func(string) (uint64, uint64, bool) { return 0, 0, false })
	if err == nil || len(got) != 1 || got[0] != (Range{0x10, 0x11}) {
		t.Errorf("%v, %v", got, err)
	}
}
