package rewrite

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"cabitrans/decode"
)

// fuzzed are the ways of translating that the fuzz target goes through.
var fuzzed = []struct {
	tls TLS
	opt Options
}{
	{GS{}, Options{}},
	{GS{}, Options{KeepR11: true, MovingBase: true}},
	{GS{}, Options{KeepR11: true, Strict: true, MovingBase: true, MovingGS: true}},
	{lastSlots, Options{}},
	{firstKeys, Options{MovingBase: true, MovingGS: true}},
	{Indirect{}, Options{KeepR11: true}},
	{Swap{}, Options{MovingGS: true}},
}

// corpus is every instruction of the golden files, and of the decoder's.
func corpus(t testing.TB) (list [][]byte) {
	t.Helper()
	texts := slices.Concat(testCode, segmentCode, gsCode)
	file, err := os.ReadFile("../decode/testdata/decode.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(file)) {
		if code, _, ok := strings.Cut(l, "|"); ok && l[0] != '#' {
			texts = append(texts, code)
		}
	}
	for _, text := range texts {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			b, err = hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

func FuzzRewrite(f *testing.F) {
	for _, b := range corpus(f) {
		f.Add(b)
	}
	f.Fuzz(checkTranslations)
}

// TestHarmless holds for the corpus, each behind some prefixes, what FuzzRewrite looks for.
func TestHarmless(t *testing.T) {
	for _, b := range corpus(t) {
		for _, prefix := range []string{"", "64", "65", "67", "6467", "66", "f3", "f2", "6564", "6465", "2e64", "6667", "6466"} {
			p, _ := hex.DecodeString(prefix)
			checkTranslations(t, append(p, b...))
		}
	}
}

// checkTranslations verifies that whatever code begins with, its translations are
// bounded and marked, and do nothing that the host must not do.
func checkTranslations(t *testing.T, code []byte) {
	var in decode.Inst
	if in.Decode(code, testPC) != nil {
		return
	}
	code = code[:in.Len]
	for _, way := range fuzzed {
		r := newTestRewriter(way.tls, way.opt)
		r.Inst(&in, code)
		if n := max(r.Hot.Len(), r.Cold.Len()); n > MaxEmit {
			t.Fatalf("% x: %s, %+v: %d bytes, more than MaxEmit", code, way.tls.Name(), way.opt, n)
		}
		c := &translation{T: t, Rewriter: r, guest: &in, code: code, how: way.tls.Name()}
		c.check()
	}
}

// translation is what one instruction has become.
type translation struct {
	*testing.T
	*Rewriter
	guest *decode.Inst
	code  []byte
	how   string
}

func (c *translation) bad(in *decode.Inst, host []byte, why string) {
	c.Helper()
	c.Fatalf("% x: %s, %+v: % x in its translation %s", c.code, c.how, c.Options, host[:in.Len], why)
}

// check goes through the hot code, instruction by instruction.
func (c *translation) check() {
	marks := c.HotMarks
	size := c.Hot.Len()
	start := c.Hot.PC() - uint64(size)
	for off := 0; off < size; {
		pc := start + uint64(off)
		host := c.Hot.Code(off)
		var in decode.Inst
		if err := in.Decode(host, pc); err != nil {
			c.Fatalf("% x: %s, %+v: the translation has % x: %v", c.code, c.how, c.Options, host, err)
		}
		if len(marks) > 0 && marks[0].Host < uint32(pc-c.CacheBase) {
			c.bad(&in, host, "follows a mark at no instruction")
		}
		for len(marks) > 0 && marks[0].Host == uint32(pc-c.CacheBase) {
			marks = marks[1:]
		}
		c.harmless(&in, host)
		off += int(in.Len)
	}
	if len(marks) > 0 {
		c.Fatalf("% x: %s, %+v: a mark stands at no instruction", c.code, c.how, c.Options)
	}
}

// harmless verifies one host instruction.
func (c *translation) harmless(in *decode.Inst, host []byte) {
	const refused = decode.ClassPrivileged | decode.ClassIO | decode.ClassFSBase | decode.ClassSwapGS | decode.ClassPopf
	switch in.Flow {
	case decode.FlowSyscall, decode.FlowSysenter, decode.FlowInt, decode.FlowHalt, decode.FlowFar, decode.FlowXbegin:
		c.bad(in, host, "leaves the guest by itself")
	}
	if in.Class&refused != 0 || in.Class&(decode.ClassSegLoad|decode.ClassSegStore) != 0 && namesTLS(in) {
		c.bad(in, host, "is what may not run on the host")
	}
	if !in.SegMatters() || c.FS.Prefix == prefixFS && in.Seg == decode.SegFS {
		return
	}
	if in.Seg == decode.SegFS {
		c.bad(in, host, "has an operand in the host's %fs")
	}
	// In %gs there are cells, and what the guest has in %fs.
	own := append(c.Fields.Spill[:], c.Fields.FSBase, c.Fields.RIP, c.Fields.RIP+4, c.Fields.ExitArg)
	cell := in.HasMem && in.Base == decode.NoReg && in.Index == decode.NoReg && slices.Contains(own, int32(in.Disp))
	guest := c.guest.Seg == decode.SegFS && c.guest.SegMatters() && !c.based(c.guest)
	if !cell && !guest {
		c.bad(in, host, "has an operand in %gs that is not the guest's")
	}
}
