package loader

import (
	"debug/elf"
	"fmt"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
)

// describe gives a plan as text, for goldens.
func (p *Plan) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%#x-%#x entry %#x base %#x phdr %#x\n", p.Lo, p.Hi, p.Entry, p.Base, p.Phdr)
	for _, m := range p.Maps {
		fmt.Fprintf(&b, "map %#x+%#x %s\n", m.Addr, m.Len, letters(m.Prot))
	}
	for _, c := range p.Copies {
		fmt.Fprintf(&b, "copy %#x ← %#x+%#x\n", c.Addr, c.Off, c.Len)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name  string
		typ   elf.Type
		progs []prog
		bias  uint64
		want  string
	}{
		{"aligned", elf.ET_DYN, []prog{
			{load, r, 0, 0, 0x400, 0x400, 0x1000},
			{load, rx, 0x1000, 0x1000, 0x100, 0x100, 0x1000},
			{load, rw, 0x2000, 0x2000, 0x10, 0x3000, 0x1000},
		}, 0x10000, `
0x10000-0x15000 entry 0x11000 base 0x10000 phdr 0x10040
map 0x10000+0x1000 r--
map 0x11000+0x1000 r-x
map 0x12000+0x3000 rw-
copy 0x10000 ← 0x0+0x400
copy 0x11000 ← 0x1000+0x100
copy 0x12000 ← 0x2000+0x10
`},
		{"congruent", elf.ET_DYN, []prog{
			{load, r, 0, 0, 0x6a8, 0x6a8, 0x1000},
			{load, rx, 0x6b0, 0x16b0, 0x1baa, 0x1baa, 0x1000},
			{load, rw, 0x2260, 0x4260, 0x80, 0x80, 0x1000},
			{load, rw, 0x22e0, 0x52e0, 0x8, 0x148, 0x1000},
		}, 0, `
0x0-0x6000 entry 0x16b0 base 0x0 phdr 0x40
map 0x0+0x1000 r--
map 0x1000+0x3000 r-x
map 0x4000+0x2000 rw-
copy 0x0 ← 0x0+0x6a8
copy 0x16b0 ← 0x6b0+0x1baa
copy 0x4260 ← 0x2260+0x80
copy 0x52e0 ← 0x22e0+0x8
`},
		{"fixed, with a hole and zero pages", elf.ET_EXEC, []prog{
			{load, rx, 0, 0x200000, 0x1400, 0x1400, 0x1000},
			{load, rw, 0, 0x210010, 0, 0x20, 0x10},
		}, 0, `
0x200000-0x211000 entry 0x200100 base 0x0 phdr 0x200040
map 0x200000+0x2000 r-x
map 0x210000+0x1000 rw-
copy 0x200000 ← 0x0+0x1400
`},
		{"shared pages get both protections", elf.ET_DYN, []prog{
			{load, r, 0, 0, 0x1800, 0x1800, 0x1000},
			{load, rx, 0x1800, 0x1800, 0x1000, 0x1000, 0x1000},
			{load, r, 0x2900, 0x2900, 0x10, 0x10, 0x1000},
			{load, r, 0x2a00, 0x2a00, 0x10, 0x800, 0x1000},
		}, 0x4000, `
0x4000-0x8000 entry 0x5800 base 0x4000 phdr 0x4040
map 0x4000+0x1000 r--
map 0x5000+0x2000 r-x
map 0x7000+0x1000 r--
copy 0x4000 ← 0x0+0x1800
copy 0x5800 ← 0x1800+0x1000
copy 0x6900 ← 0x2900+0x10
copy 0x6a00 ← 0x2a00+0x10
`},
		{"three segments on one page, the middle one inside", elf.ET_DYN, []prog{
			{load, 0, 0x1000, 0x1000, 0x10, 0x10, 0x1000},
			{load, elf.PF_X, 0x1100, 0x1100, 0x10, 0x10, 0x1000},
			{load, r, 0x1200, 0x1200, 0x10, 0x2000, 0x1000},
		}, 0, `
0x1000-0x4000 entry 0x1100 base 0x0 phdr 0x0
map 0x1000+0x1000 r-x
map 0x2000+0x2000 r--
copy 0x1000 ← 0x1000+0x10
copy 0x1100 ← 0x1100+0x10
copy 0x1200 ← 0x1200+0x10
`},
		{"first page not 0", elf.ET_DYN, []prog{
			{load, rx, 0x10, 0x40010, 0x1000, 0x1000, 0x10000},
		}, 0x30000, `
0x70000-0x72000 entry 0x70010 base 0x30000 phdr 0x70040
map 0x70000+0x2000 r-x
copy 0x70010 ← 0x10+0x1000
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := goodFile()
			f.typ, f.progs = tt.typ, tt.progs
			for _, p := range tt.progs {
				if p.flags&elf.PF_X != 0 {
					f.entry = p.vaddr
				}
			}
			if tt.typ == elf.ET_EXEC {
				f.entry += 0x100
			}
			b := f.bytes()
			img := mustParse(t, b)
			p, err := img.Plan(tt.bias)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.describe(); got != tt.want[1:] {
				t.Errorf("\n got %s\nwant %s", got, tt.want[1:])
			}
			if err := checkPlan(img, p, int64(len(b))); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	pie := mustParse(t, goodFile().bytes())
	f := goodFile()
	f.typ = elf.ET_EXEC
	f.progs = []prog{{load, rx, 0, 0x200000, 0x400, 0x400, 0x1000}}
	f.entry = 0x200000
	fixed := mustParse(t, f.bytes())
	for _, tt := range []struct {
		img  *Image
		bias uint64
		want string
	}{
		{fixed, 0x1000, "loader: bias 0x1000 for an image that must not be moved"},
		{pie, 0x800, "loader: bias 0x800 is not a multiple of 0x1000"},
		{pie, 1 << 47, "loader: bias 0x800000000000 moves the image beyond the address space"},
		{pie, 1<<47 - 0x3000, "loader: bias 0x7fffffffd000 moves the image beyond the address space"},
		{pie, 1<<64 - 0x1000, "loader: bias 0xfffffffffffff000 moves the image beyond the address space"},
	} {
		if p, err := tt.img.Plan(tt.bias); p != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%#x: %v, %v; want %s", tt.bias, p, err, tt.want)
		}
	}
	if _, err := pie.Plan(1<<47 - 0x4000); err != nil {
		t.Errorf("the highest place: %v", err)
	}
}

// checkPlan tests what doc.go and Plan promise, page by page and independently of how Plan is built.
func checkPlan(img *Image, p *Plan, size int64) error {
	if p.Lo != img.Lo+p.Base || p.Hi != img.Hi+p.Base || p.Lo >= p.Hi || p.Hi > maxAddr || p.Hi-p.Lo > MaxSpan {
		return fmt.Errorf("range %#x to %#x", p.Lo, p.Hi)
	}
	end, last := p.Lo, -1
	for i, m := range p.Maps {
		if m.Addr < end || m.Len == 0 || m.Addr+m.Len > p.Hi || (m.Addr|m.Len)&pageMask != 0 {
			return fmt.Errorf("mapping %d, %+v, after %#x", i, m, end)
		}
		if m.Prot&writeExec == writeExec {
			return fmt.Errorf("mapping %d is writable and executable", i)
		}
		if last >= 0 && m.Addr == end && m.Prot == p.Maps[last].Prot {
			return fmt.Errorf("mapping %d should be part of its predecessor", i)
		}
		end, last = m.Addr+m.Len, i
	}
	end = p.Lo
	for i, c := range p.Copies {
		if c.Addr < end || c.Len == 0 || !within(c.Off, c.Len, uint64(size)) {
			return fmt.Errorf("copy %d, %+v, after %#x", i, c, end)
		}
		end = c.Addr + c.Len
		for a := c.Addr; a < end; a = (a | pageMask) + 1 {
			if p.at(a) == nil {
				return fmt.Errorf("copy %d goes to %#x, which is not mapped", i, a)
			}
		}
	}
	if m := p.at(p.Entry); m == nil || m.Prot&abi.ProtExec == 0 {
		return fmt.Errorf("the entry point %#x is not executable", p.Entry)
	}
	return checkProtections(img, p)
}

// checkProtections compares the mappings with the union of the segments on both ends of each mapping and segment.
func checkProtections(img *Image, p *Plan) error {
	var probe []uint64
	for _, s := range img.Segments {
		probe = append(probe, s.Vaddr, s.Vaddr+s.Memsz-1, s.Vaddr+s.Memsz, s.Vaddr-min(s.Vaddr, 1))
	}
	for _, m := range p.Maps {
		probe = append(probe, m.Addr-p.Base, m.Addr-p.Base+m.Len-1)
	}
	for _, a := range probe {
		page, want := a&^pageMask, abi.Mprot(0)
		mapped := false
		for _, s := range img.Segments {
			if s.Vaddr < page+pageMask+1 && s.Vaddr+s.Memsz > page {
				want |= s.Prot
				mapped = true
			}
		}
		m := p.at(page + p.Base)
		if mapped != (m != nil) || m != nil && m.Prot != want {
			return fmt.Errorf("page %#x: %+v, want %s", page, m, letters(want))
		}
	}
	return nil
}

// at returns the mapping that holds a guest address.
func (p *Plan) at(addr uint64) *Mapping {
	for i := range p.Maps {
		if m := &p.Maps[i]; addr >= m.Addr && addr-m.Addr < m.Len {
			return m
		}
	}
	return nil
}
