package decode

import (
	"os"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// BenchmarkDecode reports the time for one instruction of programs' text, and how much text that is a second, beside
// x86asm's.
func BenchmarkDecode(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{"guest": "../guests/bin/hello", "go": exe} {
		if _, err := os.Stat(path); err != nil {
			b.Skip(err)
		}
		code, pc := textOf(b, path)
		b.Run(name+"/decode", func(b *testing.B) {
			var in Inst
			benchmark(b, code, func(rest []byte) int {
				if in.Decode(rest, pc) != nil {
					return 1 // data in the text
				}
				return int(in.Len)
			})
		})
		b.Run(name+"/x86asm", func(b *testing.B) {
			benchmark(b, code, func(rest []byte) int {
				in, err := x86asm.Decode(rest, 64)
				if err != nil || in.Op == 0 {
					return 1
				}
				return in.Len
			})
		})
	}
}

func benchmark(b *testing.B, code []byte, decode func([]byte) int) {
	rest, n := code, 0
	for b.Loop() {
		l := decode(rest)
		n += l
		if rest = rest[l:]; len(rest) < MaxLen {
			rest = code
		}
	}
	b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "MB/s")
}
