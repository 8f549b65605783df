package loader_test

import (
	"bytes"
	"os"
	"testing"

	"cabitrans/runtime/ehframe"
	"cabitrans/runtime/loader"
)

// A program that has unwind tables and symbols has its functions at the same places by
// both, wherever it is in memory.
func TestFunctions(t *testing.T) {
	file, err := os.ReadFile("../../guests/bin/trail")
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(file)
	image, err := loader.Parse(r, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := loader.Symbols(r, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	table, err := ehframe.Open(func(addr, n uint64) []byte {
		for _, s := range image.Segments {
			if d := addr - s.Vaddr; d < s.Filesz && n <= s.Filesz-d {
				return file[s.Off+d:][:n]
			}
		}
		return nil
	}, image.EHFrameHdr.Vaddr, image.EHFrameHdr.Size)
	if err != nil {
		t.Fatal(err)
	}
	const bias = 0x1000_0000
	none := func() *ehframe.Table { return nil }
	noSymbols := func() *loader.SymTab { return nil }
	byTable := &loader.Functions{Unwind: func() *ehframe.Table { return table }, Symbols: noSymbols, Bias: bias}
	bySymbol := &loader.Functions{Unwind: none, Symbols: func() *loader.SymTab { return syms }, Bias: bias}
	seen := 0
	for pc := uint64(bias); ; seen++ {
		lo, hi, ok := byTable.After(pc)
		if !ok {
			break
		}
		if hi <= pc || lo >= hi {
			t.Fatalf("after %#x comes %#x to %#x", pc, lo, hi)
		}
		for _, at := range []uint64{lo, hi - 1} {
			if l, h, ok := byTable.After(at); l != lo || h != hi || !ok {
				t.Errorf("after %#x: %#x to %#x, want %#x to %#x", at, l, h, lo, hi)
			}
			if l, h, ok := bySymbol.After(at); l != lo || h != hi || !ok {
				t.Errorf("by symbols after %#x: %#x to %#x, by the table %#x to %#x", at, l, h, lo, hi)
			}
		}
		pc = hi
	}
	if seen < 5 {
		t.Errorf("%d functions", seen)
	}
	if _, _, ok := (&loader.Functions{Unwind: none, Symbols: noSymbols}).After(0); ok {
		t.Error("a program without tables has a function")
	}
}
