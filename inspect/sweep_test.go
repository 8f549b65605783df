package inspect

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/loader"
)

// A sweep over a few bytes: "addr" for an instruction outside of functions, "addr!" for one inside.
func TestSweep(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  string
		funcs []function
		want  string
		bad   string
	}{
		{"one after the other", "90 4889d8 c3", nil, "1000 1001 1004", ""},
		{"functions", "90 4889d8 c3", []function{{lo: 0x1000, hi: 0x1004}}, "1000! 1001! 1004", ""},
		{"a beginning alone covers nothing", "90 c3", []function{{lo: 0x1001, hi: 0x1001}}, "1000 1001", ""},
		{"data before a function", "e8 90 c3", []function{{lo: 0x1001, hi: 0x1003}}, "1001! 1002!", "1000-1001"},
		{"data behind a function", "c3 e8 90 c3", []function{{lo: 0x1000, hi: 0x1001}, {lo: 0x1002, hi: 0x1004}},
			"1000! 1002! 1003!", "1001-1002"},
		{"nothing a CPU knows", "90 0606 90", nil, "1000 1003", "1001-1003"},
		{"ends inside", "90 e80000", nil, "1000", "1001-1004"},
		{"overlapping functions", "90 90 90 90", []function{{lo: 0x1000, hi: 0x1003}, {lo: 0x1001, hi: 0x1002}},
			"1000! 1001! 1002! 1003", ""},
		{"function beyond the end", "90 90", []function{{lo: 0x1001, hi: 0x9000}}, "1000 1001!", ""},
		{"function of another segment", "90", []function{{lo: 0x500, hi: 0x600}, {lo: 0x2000, hi: 0x3000}}, "1000", ""},
		{"empty", "", nil, "", ""},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		for _, bias := range []uint64{0, 0x100_0000, ^uint64(0x7ff)} {
			p := &Program{funcs: c.funcs, bias: bias}
			var got, bad []string
			s := loader.Segment{Vaddr: 0x1000, Filesz: uint64(len(code))}
			for _, b := range p.sweep(s, code, func(in *decode.Inst, code []byte, addr uint64, inside bool) {
				if in.PC != addr+bias || int(in.Len) != len(code) {
					t.Errorf("%s: %#x at %#x, %d of %d bytes", c.name, in.PC, addr, in.Len, len(code))
				}
				got = append(got, fmt.Sprintf("%x%s", addr, map[bool]string{true: "!"}[inside]))
			}) {
				bad = append(bad, fmt.Sprintf("%x-%x", b.lo, b.hi))
			}
			if !slices.Equal(got, strings.Fields(c.want)) || !slices.Equal(bad, strings.Fields(c.bad)) {
				t.Errorf("%s: %v, %v, want %v, %v", c.name, got, bad, c.want, c.bad)
			}
		}
	}
}

// .eh_frame_hdr of one function, and what is not believed.
func TestUnwindRanges(t *testing.T) {
	// At 0x1000 the header, at 0x1014 a common entry, at 0x1028 that of a function of 0x20 bytes at 0x1040.
	good := "011b033b 10000000 01000000 40000000 28000000" +
		"10000000 00000000 01 7a5200 01 78 10 01 1b 000000" +
		"10000000 18000000 10000000 20000000 00 000000"
	function1040 := func(hi uint64) []function { return []function{{lo: 0x1040, hi: hi}} }
	for _, c := range []struct {
		name, from, to string
		want           []function
	}{
		{"good", "", "", function1040(0x1060)},
		{"version", "011b", "021b", nil},
		{"encoding", "033b", "0303", nil},
		{"more than there are", "01000000 4000", "ffffffff 4000", function1040(0x1060)},
		{"an entry of another function", "10000000 20000000", "18000000 20000000", function1040(0x1040)},
		{"an entry elsewhere", "40000000 28000000", "40000000 00000070", function1040(0x1040)},
		{"64-bit DWARF", "10000000 18000000", "ffffffff 18000000", function1040(0x1040)},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		p := &Program{r: strings.NewReader(string(b)), size: int64(len(b)), image: &loader.Image{
			Segments:   []loader.Segment{{Vaddr: 0x1000, Memsz: uint64(len(b)), Filesz: uint64(len(b))}},
			EHFrameHdr: loader.Range{Vaddr: 0x1000, Size: 0x14},
		}}
		if got := p.unwindRanges(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
