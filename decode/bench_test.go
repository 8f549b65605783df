package decode

import (
	"os"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// BenchmarkDecode reports the time for one instruction of programs' text, and how much text that is a second, beside
// x86asm's. A round is the whole text, at most 1 MiB of it.
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
		code = code[:min(len(code), 1<<20)]
		b.Run(name+"/decode", func(b *testing.B) {
			benchmark(b, code, func() (n int) {
				var in Inst
				for rest := code; len(rest) > MaxLen; n++ {
					l := 1 // data in the text
					if in.Decode(rest, pc) == nil {
						l = int(in.Len)
					}
					rest = rest[l:]
				}
				return n
			})
		})
		b.Run(name+"/x86asm", func(b *testing.B) {
			benchmark(b, code, func() (n int) {
				for rest := code; len(rest) > MaxLen; n++ {
					l := 1
					if in, err := x86asm.Decode(rest, 64); err == nil && in.Op != 0 {
						l = in.Len
					}
					rest = rest[l:]
				}
				return n
			})
		})
	}
}

// benchmark measures a round over code, which returns its number of instructions.
func benchmark(b *testing.B, code []byte, round func() int) {
	b.SetBytes(int64(len(code)))
	n := 0
	for b.Loop() {
		n += round()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/inst")
}
