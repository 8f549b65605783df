package decode

import (
	"path/filepath"
	"strings"
	"testing"
)

// generatedChunk is how many instructions one run of a disassembler sees.
const generatedChunk = 200_000

// TestGenerated lays random instructions one right behind the other, and has the disassemblers, in turns, say where
// each of them ends. CABITRANS_DECODE_N is how many there are: a hundred million take some minutes.
func TestGenerated(t *testing.T) {
	s := newSampler(21)
	testGenerated(t, sampleSize(t, 200_000), func(b []byte) []byte { return s.next(b) })
}

// TestPrefixed does the same with every opcode of every map, behind all sets of up to three prefixes and all VEX, EVEX
// and XOP payloads that select an opcode, in all forms of ModRM; in the short form with a part of them, chosen by the
// seed.
func TestPrefixed(t *testing.T) {
	p := newPrefixer(newSampler(22))
	n := sampleSize(t, 200_000)
	p.stride = max(1, p.forms()/n)
	if p.stride > 1 {
		p.i = p.s.IntN(p.stride)
	}
	testGenerated(t, n, p.next)
}

func testGenerated(t *testing.T, n int, next func([]byte) []byte) {
	var programs []string
	for _, d := range disassemblers {
		programs = append(programs, tool(t, d.names...))
	}
	var total generated
	var buf []byte
	for chunk := 0; n > 0 && !t.Failed(); chunk++ {
		var g generated
		for g.tried < min(n, generatedChunk) {
			if buf = next(buf); buf == nil {
				n = 0
				break
			}
			g.add(buf)
		}
		n -= g.tried
		if len(g.insts) > 0 {
			g.ask(t, programs[chunk%len(programs)])
		}
		total.tried += g.tried
		total.refused += g.refused
		total.compared += g.compared
		total.explained += g.explained
		if chunk%100 == 99 {
			t.Logf("after %d: %d compared", total.tried, total.compared)
		}
	}
	t.Logf("%d byte sequences, %d refused by Decode, %d compared, %d refused by or out of step with the disassembler",
		total.tried, total.refused, total.compared, total.explained)
	if total.compared < total.tried/8 {
		t.Errorf("only %d of %d sequences could be compared", total.compared, total.tried)
	}
}

// generated is a stretch of instructions and where each begins.
type generated struct {
	code  []byte
	insts []Inst

	tried, refused, compared, explained int
}

// add decodes b and appends the instruction at its start, if it is one whose length the disassemblers can tell.
func (g *generated) add(b []byte) {
	var in Inst
	g.tried++
	if in.Decode(b, uint64(len(g.code))) != nil {
		g.refused++
		return
	}
	if quirk(&in, b, "?") != "" {
		g.explained++
		return
	}
	g.code = append(g.code, b[:in.Len]...)
	g.insts = append(g.insts, in)
}

// ask compares the boundaries. Where a disassembler refuses an instruction it goes on somewhere inside it, and is back
// in step a few instructions later.
func (g *generated) ask(t *testing.T, program string) {
	t.Helper()
	failures, i := 0, 0
	each := func(l line) {
		for i < len(g.insts) && g.insts[i].PC < l.addr {
			i++
		}
		if i == len(g.insts) || g.insts[i].PC != l.addr || l.text == "" {
			return
		}
		in := &g.insts[i]
		g.compared++
		w := ""
		if int(in.Len) != l.len {
			w = "length"
		} else {
			w = checkFlow(in, l.text)
		}
		if w != "" && failures < 20 {
			failures++
			t.Errorf("% x: %s: %d bytes, but %d to %s: %s", g.code[in.PC:in.End()], w, in.Len, l.len, program, l.text)
		}
	}
	path := filepath.Join(t.TempDir(), "code")
	if strings.Contains(filepath.Base(program), "llvm") {
		write(t, path, elfObject(g.code))
		disassemble(t, each, program, "-d", "-z", "--mattr="+llvmFeatures, path)
	} else {
		write(t, path, g.code)
		disassemble(t, each, program, "-D", "-z", "-w", "--insn-width=16", "-b", "binary", "-m", "i386:x86-64", path)
	}
	g.explained += len(g.insts) - g.compared
}

// A prefixer enumerates: i counts through prefixes, maps, opcodes and ModRM.
type prefixer struct {
	s         sampler
	i, stride int
	leads     [][]byte
}

// prefixedModRM is a ModRM byte of each kind of operand, with every reg field.
var prefixedModRM = [...]byte{0x00, 0x04, 0x05, 0x44, 0x85, 0xc0, 0xc1, 0xc6}

// forms is how many there are: leads, opcodes, kinds of ModRM with 8 reg fields.
func (p *prefixer) forms() int { return len(p.leads) * 256 * len(prefixedModRM) * 8 }

func newPrefixer(s sampler) *prefixer {
	p := &prefixer{s: s}
	maps := [][]byte{{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}}
	prefixes := []byte{0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x64}
	sets := [][]byte{{}}
	for from, depth := 0, 0; depth < 3; depth++ {
		to := len(sets)
		for ; from < to; from++ {
			for _, b := range prefixes {
				sets = append(sets, append(append([]byte{}, sets[from]...), b))
			}
		}
	}
	for _, set := range sets {
		for _, rex := range [][]byte{{}, {0x48}, {0x47}} {
			for _, m := range maps {
				p.leads = append(p.leads, append(append(append([]byte{}, set...), rex...), m...))
			}
		}
	}
	for pp := range byte(4) {
		for wl := range byte(4) {
			for _, vvvv := range []byte{0x78, 0x30} {
				b := wl>>1<<7 | vvvv | wl&1<<2 | pp
				p.leads = append(p.leads, []byte{0xc5, b})
				for _, m := range []byte{1, 2, 3, 5, 7} {
					p.leads = append(p.leads, []byte{0xc4, 0xe0 | m, b}, []byte{0x67, 0xc4, m, b})
				}
				for m := byte(8); m <= 10; m++ {
					p.leads = append(p.leads, []byte{0x8f, 0xe0 | m, b})
				}
			}
		}
		for _, m := range []byte{1, 2, 3, 5, 6} {
			for w := range byte(2) {
				for ll := range byte(3) {
					for _, z := range []byte{0x08, 0x18, 0x09, 0x99} {
						p.leads = append(p.leads, []byte{0x62, 0xf0 | m, w<<7 | 0x7c | pp, ll<<5 | z})
					}
				}
			}
		}
	}
	return p
}

// next makes the next form, with random bytes behind ModRM; nil at the end.
func (p *prefixer) next(b []byte) []byte {
	i := p.i
	p.i += p.stride
	reg := byte(i % 8)
	i /= 8
	kind := i % len(prefixedModRM)
	i /= len(prefixedModRM)
	opcode := byte(i)
	i /= 256
	if i >= len(p.leads) {
		return nil
	}
	b = append(append(b[:0], p.leads[i]...), opcode, prefixedModRM[kind]^reg<<3)
	for len(b) < MaxLen {
		b = append(b, p.s.byte())
	}
	return b
}
