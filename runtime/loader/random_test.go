package loader

import (
	"debug/elf"
	"errors"
	"math/rand/v2"
	"testing"
)

// Random segments crowded into a few pages, since bytes changed at random seldom make segments that Parse accepts. An
// accepted image must give good plans; a refused one must really break the rule that the refusal names.
func TestRandomImages(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := map[error]int{}
	for range 20_000 {
		f := goodFile()
		f.progs = nil
		var at uint64
		for range 1 + rng.IntN(6) {
			at += rng.Uint64N(0x900)
			p := prog{typ: load, flags: elf.ProgFlag(rng.IntN(8)), off: at, vaddr: at, align: 0x1000}
			p.memsz = 1 + rng.Uint64N(0x1800)
			p.filesz = rng.Uint64N(p.memsz + 1)
			if p.flags&elf.PF_W != 0 {
				p.flags &^= elf.PF_X
			}
			if p.flags&elf.PF_X != 0 {
				f.entry = at
			}
			if at += p.memsz; rng.IntN(10) == 0 {
				at -= min(at, 0x400)
			}
			f.progs = append(f.progs, p)
		}
		f.size = 0x10000
		b := f.bytes()
		img, err := parse(b)
		if err == nil {
			kinds[nil]++
			p, err := img.Plan(0x10000)
			if err == nil {
				err = checkPlan(img, p, int64(len(b)))
			}
			if err != nil {
				t.Fatalf("%v: %+v\n%+v", err, f.progs, p)
			}
			continue
		}
		var fe *FormatError
		if !errors.As(err, &fe) {
			t.Fatal(err)
		}
		kinds[fe.Kind]++
		if fe.Kind == ErrWriteExec && !sharesWriteExec(f.progs) || fe.Kind == ErrSegmentOrder && !disordered(f.progs) {
			t.Fatalf("%v: %+v", err, f.progs)
		}
	}
	for _, kind := range []error{nil, ErrWriteExec, ErrSegmentOrder, ErrEntry} {
		if kinds[kind] < 100 {
			t.Errorf("only %d images with the outcome %v", kinds[kind], kind)
		}
	}
}

func sharesWriteExec(progs []prog) bool {
	pages := map[uint64]elf.ProgFlag{}
	for _, p := range progs {
		for page := p.vaddr / 4096; page <= (p.vaddr+p.memsz-1)/4096; page++ {
			pages[page] |= p.flags
		}
	}
	for _, flags := range pages {
		if flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
			return true
		}
	}
	return false
}

// disordered reports whether a segment begins before any earlier one ends.
func disordered(progs []prog) bool {
	for i, p := range progs {
		for _, q := range progs[:i] {
			if p.vaddr < q.vaddr+q.memsz {
				return true
			}
		}
	}
	return false
}
