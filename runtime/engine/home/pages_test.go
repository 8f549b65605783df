package home

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"cabitrans/rewrite"
)

const base = 0x40_0000

// text is code by offset from base; what lies between is padding.
type text map[uint64]string

// pages makes n pages of int3 with code in them.
func (x text) pages(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n*PageSize)
	for i := range b {
		b[i] = 0xcc
	}
	for off, code := range x {
		c, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		copy(b[off:], c)
	}
	return b
}

// ranges are functions, in order.
type ranges [][2]uint64

func (r ranges) After(pc uint64) (lo, hi uint64, ok bool) {
	for _, f := range r {
		if base+f[1] > pc {
			return base + f[0], base + f[1], true
		}
	}
	return 0, 0, false
}

// elsewhere is a function on no page that is looked at.
var elsewhere = ranges{{8 * PageSize, 8*PageSize + 1}}

func analyse(t *testing.T, x text, n int, fns Functions, fs rewrite.FS) *Pages {
	b := x.pages(t, n)
	return &Pages{Functions: fns, FS: fs, Fetch: func(addr uint64, buf []byte) int {
		if addr < base || addr >= base+uint64(len(b)) {
			return 0
		}
		return copy(buf, b[addr-base:])
	}}
}

// TestQualify: what disqualifies the first of two pages, or the second.
func TestQualify(t *testing.T) {
	const seam = PageSize
	for _, c := range []struct {
		name  string
		text  text
		fns   ranges
		first error
		next  error
	}{
		{"no function anywhere", text{16: "4889c8 c3"}, nil, ErrUnknown, ErrUnknown},
		{"padding", nil, elsewhere, nil, nil},
		{"plain code", text{16: "4889c8 c3"}, ranges{{16, 20}}, nil, nil},
		{"code of no function", text{16: "4889c8 c3"}, elsewhere, nil, nil},
		{"zeros", text{16: "c3", seam - 5: "0000000000"}, ranges{{16, 17}}, nil, nil},
		{"%fs in a function", text{16: "64488b042500000000 c3"}, ranges{{16, 26}}, nil, nil},
		{"%fs in none", text{16: "64488b042500000000 c3"}, elsewhere, ErrUnknown, nil},
		{"%gs", text{16: "65488b042500000000 c3"}, ranges{{16, 26}}, ErrInstruction, nil},
		{"syscall", text{16: "0f05 c3"}, ranges{{16, 19}}, ErrInstruction, nil},
		{"popf", text{16: "9d c3"}, ranges{{16, 18}}, ErrInstruction, nil},
		{"far return", text{16: "cb"}, ranges{{16, 17}}, ErrInstruction, nil},
		{"no instruction", text{16: "06"}, ranges{{16, 17}}, ErrUnknown, nil},
		{"an end within an instruction", text{16: "4889c8 c3"}, ranges{{16, 18}}, ErrUnknown, nil},
		{"functions that overlap", text{16: "4889c8 c3"}, ranges{{16, 20}, {18, 22}}, ErrUnknown, nil},
		{"a branch into an instruction", text{16: "eb01 b800000000 c3"}, ranges{{16, 24}}, ErrMiddle, nil},
		{"a branch into one behind the seam", text{16: "e9ec0f0000", seam: "b800000000 c3"},
			ranges{{16, 21}, {seam, seam + 6}}, nil, ErrMiddle},
		{"r11 read after a call", text{16: "e800000000 4c89d8 c3"}, ranges{{16, 25}}, ErrR11, nil},

		{"syscall in an immediate", text{16: "b8 90 0f 05 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"sysenter", text{16: "b8 90 0f 34 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"int $0x80", text{16: "b8 90 cd 80 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"int of others faults", text{16: "b8 90 cd 81 90 c3"}, ranges{{16, 22}}, nil, nil},
		{"wrfsbase", text{16: "48b8 f3 0f ae d0 90 90 90 90 c3"}, ranges{{16, 27}}, ErrHazard, nil},
		{"wrgsbase", text{16: "48b8 f3 48 0f ae d8 90 90 90 c3"}, ranges{{16, 27}}, ErrHazard, nil},
		{"rdfsbase is none", text{16: "48b8 f3 0f ae c0 90 90 90 90 c3"}, ranges{{16, 27}}, nil, nil},
		{"mov %eax,%fs", text{16: "b8 90 8e e0 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"mov (%rcx),%gs", text{16: "b8 90 8e 29 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"mov %eax,%ds is none", text{16: "b8 90 8e d8 90 c3"}, ranges{{16, 22}}, nil, nil},
		{"pop %fs", text{16: "b8 90 0f a1 90 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"lgs", text{16: "b8 90 0f b5 01 c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"wrpkru", text{16: "b8 90 0f 01 ef c3"}, ranges{{16, 22}}, ErrHazard, nil},
		{"%fs:0 in an immediate", text{16: "48b8 64 8b 04 25 00 00 00 00 c3"}, ranges{{16, 27}}, ErrHazard, nil},
		{"%fs:(%rcx) in an immediate, the limit", text{16: "48b8 64 8b 01 90 90 90 90 90 c3"}, ranges{{16, 27}}, nil, nil},

		{"syscall across the seam", text{seam - 1: "0f 05"}, elsewhere, ErrInstruction, nil},
		{"syscall across the seam, known", text{seam - 3: "b8 90 0f 05 90 c3"}, ranges{{seam - 3, seam + 3}}, ErrHazard, nil},
		{"mov to %fs across the seam", text{seam - 3: "b8 90 8e e0 90 c3"}, ranges{{seam - 3, seam + 3}}, ErrHazard, nil},
		{"syscall behind the seam", text{seam - 2: "b8 90 0f 05 90 c3"}, ranges{{seam - 2, seam + 4}}, nil, ErrHazard},
		{"a function across the seam", text{seam - 2: "b8 90 90 05 90 4889c8 c3"}, ranges{{seam - 2, seam + 7}}, nil, nil},
		{"a patch across the seam", text{seam - 2: "66 66 64488b042500000000 c3"}, ranges{{seam - 2, seam + 10}}, ErrInstruction, ErrHazard},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := analyse(t, c.text, 2, c.fns, rewrite.GS{}.FS())
			for i, want := range []error{c.first, c.next} {
				if _, err := p.At(base + uint64(i)*PageSize); !errors.Is(err, want) {
					t.Errorf("page %d: %v, want %v", i, err, want)
				}
			}
		})
	}
}

// TestMiddleLater: a branch into the middle of an instruction on a page that qualified
// before is told.
func TestMiddleLater(t *testing.T) {
	x := text{16: "e9ec0f0000", PageSize: "b800000000 c3"}
	p := analyse(t, x, 2, ranges{{16, 21}, {PageSize, PageSize + 6}}, rewrite.GS{}.FS())
	next, err := p.At(base + PageSize)
	if err != nil || next.Astray {
		t.Fatalf("%v, astray %v", err, next != nil && next.Astray)
	}
	if _, err := p.At(base); !errors.Is(err, ErrMiddle) || !next.Astray {
		t.Errorf("%v, astray %v", err, next.Astray)
	}
}

// TestPatches: strategies change the bytes that they must, and no others.
func TestPatches(t *testing.T) {
	load := text{16: "6666 64488b042500000000 e8e00f0000 c3"}
	for _, c := range []struct {
		name string
		fs   rewrite.FS
		want []Patch
	}{
		{"gs", rewrite.GS{}.FS(), []Patch{{18, 0x64, 0x65}}},
		{"teb", rewrite.FS{Prefix: 0x65, Disp: 0x1480}, []Patch{{18, 0x64, 0x65}, {23, 0, 0x80}, {24, 0, 0x14}}},
		{"swap", rewrite.FS{Prefix: 0x64}, nil},
	} {
		p := analyse(t, load, 2, ranges{{16, 33}}, c.fs)
		page, err := p.At(base)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(page.Patches) != len(c.want) {
			t.Fatalf("%s: %v, want %v", c.name, page.Patches, c.want)
		}
		for i := range c.want {
			if page.Patches[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, page.Patches, c.want)
			}
		}
		if page.Rewritten != 1 || !page.Starts(16) || page.Starts(17) || !page.Starts(27) || !page.Returns(32) ||
			len(page.Branches) != 1 || page.Branches[0] != (Branch{28, base + PageSize}) {
			t.Errorf("%s: %d rewritten, branches %v", c.name, page.Rewritten, page.Branches)
		}
	}
}

// TestLongFunction: pages of a long function agree whatever the order in which they are
// asked for, and what the guest changes is looked at again.
func TestLongFunction(t *testing.T) {
	x := text{}
	const n = 6
	for off := uint64(5); off+10 < n*PageSize; off += 10 {
		x[off] = "48b8 90909090 90909090"
	}
	fns := ranges{{5, n*PageSize - 11}}
	up, down := analyse(t, x, n, fns, rewrite.GS{}.FS()), analyse(t, x, n, fns, rewrite.GS{}.FS())
	for i := range uint64(n) {
		_, _ = up.At(base + i*PageSize)
		_, _ = down.At(base + (n-1-i)*PageSize)
	}
	for i := range uint64(n - 1) {
		a, err1 := up.At(base + i*PageSize)
		b, err2 := down.At(base + i*PageSize)
		if err1 != nil || err2 != nil || a.starts != b.starts {
			t.Errorf("page %d: %v, %v", i, err1, err2)
		}
	}
	up.Refuse(base, ErrHazard)
	up.Forget(base, base+PageSize)
	if _, err := up.At(base); err != nil {
		t.Error(err)
	}
}

// BenchmarkQualify analyses a page of short instructions.
func BenchmarkQualify(b *testing.B) {
	code := make([]byte, 2*PageSize)
	for i := range code {
		code[i] = []byte{0x48, 0x89, 0xc8, 0x48, 0x8b, 0x04, 0x24}[i%7]
	}
	p := &Pages{Functions: ranges{{0, 1170 * 7}}, FS: rewrite.GS{}.FS(), Fetch: func(addr uint64, buf []byte) int {
		return copy(buf, code[addr-base:])
	}}
	for b.Loop() {
		if _, err := p.At(base); err != nil {
			b.Fatal(err)
		}
		p.Forget(base, base+PageSize)
	}
}
