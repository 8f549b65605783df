package rewrite

import (
	"debug/elf"
	"testing"

	"cabitrans/codegen"
	"cabitrans/decode"
)

// BenchmarkRewrite is decoding, rewriting and encoding of a program's text, by the
// instruction: all that translation does but for the engine's book-keeping.
func BenchmarkRewrite(b *testing.B) {
	f, err := elf.Open("../guests/bin/hello")
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	s := f.Section(".text")
	text, err := s.Data()
	if err != nil {
		b.Fatal(err)
	}
	r := newTestRewriter(GS{}, Options{})
	hot := make([]byte, 1<<20)
	r.Hot = codegen.NewBuffer(hot, testCache)
	var in decode.Inst
	off, n := 0, 0
	for b.Loop() {
		if in.Decode(text[off:], s.Addr+uint64(off)) != nil {
			in.Len = 1 // data in the text
		} else {
			r.Inst(&in, text[off:])
		}
		n += int(in.Len)
		if off += int(in.Len); len(text)-off < decode.MaxLen {
			off = 0
			r.Hot = codegen.NewBuffer(hot, testCache)
			r.HotMarks, r.ColdMarks, r.Refs = r.HotMarks[:0], r.ColdMarks[:0], r.Refs[:0]
		}
		if r.Hot.Room() < MaxEmit {
			r.Hot = codegen.NewBuffer(hot, testCache)
			r.HotMarks, r.Refs = r.HotMarks[:0], r.Refs[:0]
		}
	}
	b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "MB/s")
}
