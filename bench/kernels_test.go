package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "cabitrans/runtime/host/hosttest" // claims guest memory
)

func openNative(tb testing.TB, name string) *Native {
	tb.Helper()
	f, err := os.Open(path(name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	n, err := OpenNative(f, info.Size())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(n.Close)
	return n
}

func path(name string) string { return filepath.Join("..", "guests", "bin", name) }

// TestKernelsAgree runs each kernel natively and translated on the same numbers.
func TestKernelsAgree(t *testing.T) {
	for _, k := range Kernels {
		if !k.Native {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			n := openNative(t, k.Name)
			for _, arg := range []uint64{1, 2, k.Small, k.Small + k.Small/3} {
				want, _ := n.Run(arg)
				m, err := Translated(context.Background(), path(k.Name), arg, 2)
				if err != nil {
					t.Fatal(err)
				}
				if m.N != arg || m.Result != want {
					t.Errorf("kernel(%d) is %#x translated, %#x natively; the program took %d", arg, m.Result, want, m.N)
				}
			}
		})
	}
}

// BenchmarkKernels reports, for each kernel at the size its program chooses, the
// best translated time in ns/op and its ratio to the best native time.
func BenchmarkKernels(b *testing.B) {
	for _, k := range Kernels {
		b.Run(k.Name, func(b *testing.B) {
			var m Measurement
			for b.Loop() {
				got, err := Translated(context.Background(), path(k.Name), 0, 0)
				if err != nil {
					b.Fatal(err)
				}
				if m.Best == 0 || got.Best < m.Best {
					m = got
				}
			}
			b.ReportMetric(float64(m.Best), "ns/op")
			b.ReportMetric(m.Stats.Growth, "growth")
			if !k.Native {
				return
			}
			n := openNative(b, k.Name)
			best := time.Duration(1<<63 - 1)
			for range max(5, b.N) {
				_, d := n.Run(m.N)
				best = min(best, d)
			}
			b.ReportMetric(float64(best), "native-ns")
			b.ReportMetric(float64(m.Best)/float64(best), "ratio")
		})
	}
}
