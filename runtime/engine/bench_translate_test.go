package engine

import (
	"bytes"
	"debug/elf"
	"math"
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/guests"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/memory"
)

// BenchmarkTranslate translates all functions of real programs, compiled from C, as if each was called for the first
// time: discovery, rewriting, tables, source map and links. Memory has been used before but in the first round.
func BenchmarkTranslate(b *testing.B) {
	for _, name := range []string{"cold", "interp-switch", "sha256"} {
		b.Run(name, func(b *testing.B) {
			g := newGuest(b)
			entries := loadText(g, name)
			e := g.engine
			best := time.Duration(math.MaxInt64)
			for b.Loop() {
				b.StopTimer()
				e.mu.Lock()
				e.flush()
				e.stats = Stats{}
				e.mu.Unlock()
				b.StartTimer()
				begin := time.Now()
				for _, pc := range entries {
					if _, err := e.resolve(pc, true); err != nil {
						b.Fatal(err)
					}
				}
				best = min(best, time.Since(begin))
			}
			ns, st := float64(best.Nanoseconds()), e.stats
			b.ReportMetric(ns/float64(st.Instructions), "ns/insn")
			b.ReportMetric(float64(st.GuestBytes)*1e3/ns, "MB/s")
			b.ReportMetric(float64(st.Instructions)/float64(st.Regions), "insn/region")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// loadText maps the text of an executable somewhere, and returns the targets of direct calls in it.
func loadText(g *guest, name string) (entries []uint64) {
	g.Helper()
	image, err := guests.CloudABI(name)
	if err != nil {
		g.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		g.Fatal(err)
	}
	code, err := f.Section(".text").Data()
	if err != nil {
		g.Fatal(err)
	}
	n := (uint64(len(code)) + abi.PageSize - 1) &^ (abi.PageSize - 1)
	lo, err := g.mem.Map(memory.Request{Len: n, Prot: abi.ProtRead | abi.ProtWrite})
	if err != nil {
		g.Fatal(err)
	}
	g.write(lo, code)
	seen := make(map[uint64]bool)
	for i := 0; i < len(code); {
		var in decode.Inst
		if in.Decode(code[i:], lo+uint64(i)) != nil {
			i++
			continue
		}
		if d := in.Target - lo; in.Flow == decode.FlowCall && d < uint64(len(code)) && !seen[in.Target] {
			seen[in.Target] = true
			entries = append(entries, in.Target)
		}
		i += int(in.Len)
	}
	return entries
}
