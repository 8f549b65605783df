package loader

import (
	"bytes"
	"debug/elf"
	"testing"

	"cabitrans/runtime/abi"
)

// The guests, one of each generation, and whether they may be moved.
var guests = []struct {
	name  string
	pie   bool
	align bool // every segment begins on a page of the file
}{
	{"hello", true, false}, {"hello-v0", false, false}, {"hello-v1", true, true}, {"hello-v2", true, false},
}

// run does what Plan says, in a slice instead of guest memory.
func (p *Plan) run(file []byte) []byte {
	mem := make([]byte, p.Hi-p.Lo)
	for _, c := range p.Copies {
		copy(mem[c.Addr-p.Lo:][:c.Len], file[c.Off:])
	}
	return mem
}

func TestGuests(t *testing.T) {
	for _, g := range guests {
		t.Run(g.name, func(t *testing.T) {
			b := guest(t, g.name)
			img := mustParse(t, b)
			f, err := elf.NewFile(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if img.PIE != g.pie || img.Entry != f.Entry || !img.PhdrInMem || img.Phnum != len(f.Progs) || img.TLS == nil {
				t.Errorf("%+v", img)
			}
			aligned := true
			for _, s := range img.Segments {
				aligned = aligned && s.Off&pageMask == 0
			}
			if aligned != g.align {
				t.Errorf("aligned segments: %v, want %v", aligned, g.align)
			}
			var bias uint64
			if g.pie {
				bias = 0x12345000
			}
			p, err := img.Plan(bias)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkPlan(img, p, int64(len(b))); err != nil {
				t.Error(err)
			}
			checkMemory(t, f, p, p.run(b))
		})
	}
}

// checkMemory compares the loaded bytes with debug/elf's view of the file. What no segment covers must be zero.
func checkMemory(t *testing.T, f *elf.File, p *Plan, mem []byte) {
	t.Helper()
	want := make([]byte, len(mem))
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_LOAD {
			at := want[prog.Vaddr+p.Base-p.Lo:][:prog.Filesz]
			if _, err := prog.ReadAt(at, 0); err != nil {
				t.Fatal(err)
			}
			for a := prog.Vaddr; a < prog.Vaddr+prog.Memsz; a++ {
				if m := p.at(a + p.Base); m == nil || m.Prot&protOf(prog.Flags) != protOf(prog.Flags) {
					t.Fatalf("%#x lies in %+v, want %s", a, m, prog.Flags)
				}
			}
		}
	}
	if !bytes.Equal(mem, want) {
		t.Error("memory differs from the segments")
	}
	if first := mem[p.Phdr-p.Lo:]; elf.ProgType(first[0]) != elf.PT_PHDR {
		t.Errorf("AT_PHDR points to % x", first[:8])
	}
}

// Every function of the guests must be found by its address and by the last byte of it.
func TestGuestSymbols(t *testing.T) {
	for _, g := range guests {
		b := guest(t, g.name)
		f, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		tab, err := symbols(b)
		if err != nil {
			t.Fatal(err)
		}
		functions := 0
		for _, s := range want {
			if typ := elf.ST_TYPE(s.Info); typ != elf.STT_FUNC && typ != elf.STT_OBJECT {
				continue
			}
			functions++
			for _, off := range []uint64{0, s.Size - 1} {
				if name, got, ok := tab.Lookup(s.Value + off); !ok || name != s.Name || got != off {
					t.Errorf("%s: %s+%d, %v, want %s+%d", g.name, name, got, ok, s.Name, off)
				}
			}
			if addr, ok := tab.Addr(s.Name); !ok || addr != s.Value {
				t.Errorf("%s: %s is at %#x, %v; want %#x", g.name, s.Name, addr, ok, s.Value)
			}
		}
		if functions < 10 {
			t.Errorf("%s: only %d functions", g.name, functions)
		}
	}
}

// The vDSO must offer what a guest of its generation asks for: the names are in the guest's read-only data.
func TestGuestNames(t *testing.T) {
	b := guest(t, "hello")
	asked := 0
	for _, c := range abi.Calls2020() {
		if bytes.Contains(b, append([]byte(c.Info().Symbol()), 0)) {
			asked++
		}
	}
	if asked == 0 || asked != bytes.Count(b, []byte(abi.SymbolPrefix)) {
		t.Errorf("the guest asks for %d names, of which the ABI has %d", bytes.Count(b, []byte(abi.SymbolPrefix)), asked)
	}
}

func BenchmarkLoad(b *testing.B) {
	data := guest(b, "hello")
	r := bytes.NewReader(data)
	size := int64(len(data))
	b.Run("ParsePlan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := Parse(r, size)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := img.Plan(0x10000); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Symbols", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Symbols(r, size); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("BuildVDSO", func(b *testing.B) {
		names := vdsoNames()
		b.ReportAllocs()
		for b.Loop() {
			BuildVDSO(names)
		}
	})
}

// A table as large as that of a program of 50 MB.
func BenchmarkManySymbols(b *testing.B) {
	v := BuildVDSO(manyNames(200_000))
	r := bytes.NewReader(v.Image)
	tab, err := Symbols(r, int64(len(v.Image)))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Symbols", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Symbols(r, int64(len(v.Image))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Lookup", func(b *testing.B) {
		addr := v.Text
		for b.Loop() {
			if _, _, ok := tab.Lookup(addr); !ok {
				b.Fatal(addr)
			}
			if addr += 4096 + 16; addr >= v.Text+uint64(v.Count)*v.Stride {
				addr = v.Text
			}
		}
	})
	b.Run("Addr", func(b *testing.B) {
		for b.Loop() {
			if _, ok := tab.Addr("no such name"); ok {
				b.Fatal()
			}
		}
	})
}
