package bench

import (
	"context"
	"testing"

	"cabitrans/runtime"
)

// BenchmarkTLS runs, under each TLS strategy of this host, the kernel that is made of
// accesses to thread-local variables (ns a round of three) and the one that is made of
// system calls (ns a call).
func BenchmarkTLS(b *testing.B) {
	for _, name := range []string{"tlsloop", "sysloop"} {
		for _, tls := range runtime.TLSStrategies() {
			b.Run(name+"/"+tls, func(b *testing.B) {
				best := 0.0
				for b.Loop() {
					m, err := Translated(context.Background(), embedded(b, name), Setup{}, Mode{TLS: tls})
					if err != nil {
						b.Fatal(err)
					}
					if ns := float64(m.Best) / float64(m.N); best == 0 || ns < best {
						best = ns
					}
				}
				b.ReportMetric(best, "ns/op")
			})
		}
	}
}
