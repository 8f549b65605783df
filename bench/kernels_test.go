package bench

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"cabitrans/runtime"
	_ "cabitrans/runtime/host/hosttest" // claims guest memory
)

func path(name string) string { return filepath.Join("..", "guests", "bin", name) }

func embedded(tb testing.TB, name string) Program {
	tb.Helper()
	p, err := Embedded(name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// exchanges are the ways to run directly on this host.
func exchanges() []Exchange {
	if slices.Contains(runtime.TLSStrategies(), "swap-wrfsbase") {
		return []Exchange{ByArchPrctl, ByWRFSBASE}
	}
	return []Exchange{ByArchPrctl}
}

// TestKernelsAgree runs each kernel directly and translated on the same numbers.
func TestKernelsAgree(t *testing.T) {
	for _, k := range Kernels {
		t.Run(k.Name, func(t *testing.T) {
			p := embedded(t, k.Name)
			for i, arg := range []uint64{1, 2, k.Small, k.Small + k.Small/3} {
				s := Setup{N: arg, Repeats: 2}
				want, err := Direct(p, s, exchanges()[i%len(exchanges())])
				if errors.Is(err, ErrNoDirect) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				m, err := Translated(context.Background(), p, s, Mode{})
				if err != nil {
					t.Fatal(err)
				}
				if m.N != arg || want.N != arg || m.Result != want.Result {
					t.Errorf("kernel(%d) is %#x translated, %#x directly; the programs took %d and %d",
						arg, m.Result, want.Result, m.N, want.N)
				}
			}
		})
	}
}

// TestScale: any number of threads, run in any way, does the same work.
func TestScale(t *testing.T) {
	p := embedded(t, scaleProgram)
	cs, _ := columns()
	for _, threads := range []int{1, 2, 16} {
		results := make(map[uint64]string)
		for i := range cs {
			m, err := cs[i].scale(context.Background(), p, 16_000, threads, 3)
			if err != nil {
				t.Fatal(err)
			}
			results[m.Result] = cs[i].Name
		}
		if len(results) != 1 {
			t.Errorf("%d threads: results %v", threads, results)
		}
	}
}

// BenchmarkKernels reports, for each kernel at the size its program chooses, the
// best translated time in ns/op and its ratio to the best direct time.
func BenchmarkKernels(b *testing.B) {
	for _, k := range Kernels {
		b.Run(k.Name, func(b *testing.B) {
			p := embedded(b, k.Name)
			var m, n Measurement
			for b.Loop() {
				got, err := Translated(context.Background(), p, Setup{}, Mode{})
				if err != nil {
					b.Fatal(err)
				}
				if m.Best == 0 || got.Best < m.Best {
					m = got
				}
				if got, err = Direct(p, Setup{N: m.N}, exchanges()[0]); err != nil {
					b.Fatal(err)
				}
				if n.Best == 0 || got.Best < n.Best {
					n = got
				}
			}
			b.ReportMetric(float64(m.Best), "ns/op")
			b.ReportMetric(m.Stats.Growth, "growth")
			b.ReportMetric(float64(n.Best), "direct-ns")
			b.ReportMetric(float64(m.Best)/float64(n.Best), "ratio")
		})
	}
}
