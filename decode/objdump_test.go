package decode

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// disassemblers are the programs that serve as oracles.
var disassemblers = []struct {
	name  string
	names []string
}{
	{"objdump", []string{"objdump"}},
	{"llvm", []string{"llvm-objdump-14", "llvm-objdump"}},
}

// staleREX reports a REX prefix that another prefix follows. The CPU ignores it; the disassemblers print it as an
// instruction of its own.
func staleREX(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		k := prefixKind[b[i]]
		if k == pfxNone {
			return false
		}
		if k == pfxREX && prefixKind[b[i+1]] != pfxNone {
			return true
		}
	}
	return false
}

// quirk names a reason for which a disassembler's length is not comparable, or "".
func quirk(in *Inst, code []byte, text string) string {
	switch {
	case staleREX(code):
		return "REX before another prefix"
	case in.Enc == EncLegacy && in.OpMap == 0 && in.Opcode == 0x9b:
		return "fwait taken together with the next instruction"
	case in.Enc == EncLegacy && in.OpMap == 1 && in.Opcode == 0x78 && in.Rex&RexW != 0:
		return "extrq and insertq with REX.W, which LLVM takes for vmread"
	case in.OpMap == 1 && in.Opcode == 0xff, in.OpMap == 1 && in.Opcode == 0xb9:
		return "ud0 or ud1 without ModRM"
	case in.Class&ClassVendor != 0 && in.Flow != FlowNext:
		return "66 before a near branch"
	case text == "":
		return "refused"
	}
	return ""
}

func TestRandomLengths(t *testing.T) {
	for _, d := range disassemblers {
		t.Run(d.name, func(t *testing.T) {
			program := tool(t, d.names...)
			testRandomLengths(t, program)
		})
	}
}

func testRandomLengths(t *testing.T, program string) {
	s := newSampler(1)
	seqs := make([][]byte, sampleSize(t, 40000))
	for i := range seqs {
		seqs[i] = s.next(nil)
	}
	compared, failures := 0, 0
	disassembleEach(t, program, seqs, func(i int, l line) {
		var in Inst
		if in.Decode(seqs[i], l.addr) != nil || quirk(&in, seqs[i], l.text) != "" {
			return
		}
		compared++
		if int(in.Len) != l.len && failures < 20 {
			failures++
			t.Errorf("% x: length %d, but %d to %s: %s", seqs[i], in.Len, l.len, program, l.text)
		}
	})
	t.Logf("%d of %d sequences compared", compared, len(seqs))
	if compared < len(seqs)/5 {
		t.Errorf("only %d of %d sequences could be compared", compared, len(seqs))
	}
}

// Near branches with 66 have another length on AMD's CPUs; objdump follows them.
func TestRandomBranchesAMD(t *testing.T) {
	program := tool(t, "objdump")
	defer SetVendor(hostVendor)
	SetVendor(VendorAMD)
	s := newSampler(2)
	opcodes := [][]byte{{0xe8}, {0xe9}, {0xeb}, {0x74}, {0x0f, 0x84}, {0x0f, 0x8f}, {0xe2}, {0xc3}, {0xc2}, {0x68}}
	var seqs [][]byte
	for range 2000 {
		b := []byte{0x66}
		if s.IntN(3) == 0 {
			b = append(b, 0x48)
		}
		b = append(b, opcodes[s.IntN(len(opcodes))]...)
		for len(b) < MaxLen {
			b = append(b, s.byte())
		}
		seqs = append(seqs, b)
	}
	disassembleEach(t, program, seqs, func(i int, l line) {
		var in Inst
		if err := in.Decode(seqs[i], l.addr); err != nil || int(in.Len) != l.len {
			t.Errorf("% x: length %d, error %v, but %d to objdump: %s", seqs[i], in.Len, err, l.len, l.text)
		}
	})
}

// What objdump prints of operands must agree with what Inst says of them.
func TestRandomOperands(t *testing.T) {
	program := tool(t, "objdump")
	s := newSampler(5)
	seqs := make([][]byte, sampleSize(t, 40000))
	for i := range seqs {
		seqs[i] = s.next(nil)
	}
	n, failures := 0, 0
	disassembleEach(t, program, seqs, func(i int, l line) {
		var in Inst
		if in.Decode(seqs[i], l.addr) != nil || quirk(&in, seqs[i], l.text) != "" || int(in.Len) != l.len {
			return
		}
		n++
		if w := checkOperands(&in, l.text); w != "" && failures < 40 {
			failures++
			t.Errorf("%s: %s; objdump: %s", hex.EncodeToString(seqs[i][:in.Len]), w, l.text)
		}
	})
	t.Logf("%d instructions", n)
}

// Every EVEX opcode with an 8-bit displacement of 1, which counts in units that depend on the opcode, the vector length, W
// and broadcast.
func TestCompressedDisplacements(t *testing.T) {
	program := tool(t, "objdump")
	var seqs [][]byte
	groups := map[byte]bool{0x71: true, 0x72: true, 0x73: true, 0xc6: true, 0xc7: true}
	for _, m := range []byte{1, 2, 3, 5, 6} {
		for i := range 256 * 4 * 2 * 3 * 2 {
			opcode, pp, w, length, b := byte(i), byte(i>>8&3), byte(i>>10&1), byte((i>>11)%3), byte((i>>11)/3)
			for reg := range byte(8) {
				if reg > 0 && !groups[opcode] {
					break
				}
				seqs = append(seqs, []byte{0x62, 0xf0 | m, w<<7 | 0x7c | pp, length<<5 | b<<4 | 0x09, opcode, 0x44 | reg<<3, 0x08,
					1, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90})
			}
		}
	}
	n := 0
	disassembleEach(t, program, seqs, func(i int, l line) {
		var in Inst
		if in.Decode(seqs[i], l.addr) != nil || quirk(&in, seqs[i], l.text) != "" || strings.Contains(l.text, "bad") {
			return
		}
		n++
		if w := checkOperands(&in, l.text); w != "" || int(in.Len) != l.len {
			t.Errorf("% x: %s, length %d; objdump: %d, %s", seqs[i][:in.Len], w, in.Len, l.len, l.text)
		}
	})
	t.Logf("%d forms", n)
	if n < 1000 {
		t.Errorf("only %d forms compared", n)
	}
}

// gprNames maps every name of a general register to its number and width in bytes.
var gprNames = func() map[string][2]int {
	m := map[string][2]int{}
	add := func(width int, names string) {
		for i, n := range strings.Fields(names) {
			m[n] = [2]int{i, width}
		}
	}
	add(8, "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15")
	add(4, "eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d")
	add(2, "ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w")
	add(1, "al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b")
	add(1, "ah ch dh bh")
	return m
}()

// A namedReg is a general register that a text names.
type namedReg struct {
	reg     Reg
	width   int
	address bool // within the parentheses of a memory operand
	last    bool // it is the last operand
}

// registersIn finds the general registers in AT&T text.
func registersIn(text string) (regs []namedReg) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '%':
			j := i + 1
			for j < len(text) && (text[j] >= 'a' && text[j] <= 'z' || text[j] >= '0' && text[j] <= '9') {
				j++
			}
			if g, ok := gprNames[text[i+1:j]]; ok {
				regs = append(regs, namedReg{Reg(g[0]), g[1], depth > 0, j == len(text)})
			}
			i = j - 1
		}
	}
	return regs
}

// checkOperands returns how the operands in objdump's text contradict in, or "".
func checkOperands(in *Inst, text string) string {
	regs := registersIn(text)
	for _, r := range regs {
		switch {
		case r.address && in.Class&ClassAddrOnly == 0 && !in.Reads.Has(r.reg):
			return fmt.Sprintf("address register %d is not in Reads %#x", r.reg, in.Reads)
		case !r.address && !(in.Reads | in.Writes).Has(r.reg) && in.Class&(ClassHint|ClassPrivileged) == 0:
			return fmt.Sprintf("register %d is in neither Reads %#x nor Writes %#x", r.reg, in.Reads, in.Writes)
		case r.address && in.Kills.Has(r.reg):
			return fmt.Sprintf("address register %d is killed", r.reg)
		case !r.address && in.Kills.Has(r.reg) && r.width < 4 && !slices.ContainsFunc(regs, func(o namedReg) bool {
			return o.reg == r.reg && o.width >= 4
		}):
			return fmt.Sprintf("register %d is killed through a part of it", r.reg)
		}
	}
	if in.HasMem && in.DispLen > 0 && in.Base != NoReg && in.Base != RIP && strings.Contains(text, "(") {
		want := fmt.Sprintf("0x%x(", in.Disp)
		if in.Disp < 0 {
			want = fmt.Sprintf("-0x%x(", -in.Disp)
		}
		if !strings.Contains(text, want) {
			return fmt.Sprintf("displacement %#x", in.Disp)
		}
	}
	switch in.Flow {
	case FlowJump, FlowCond, FlowLoop, FlowCall: // not xbegin rel16, whose target objdump truncates
		target := fmt.Sprintf("%x", in.Target)
		if !strings.Contains(text, " 0x"+target) && !strings.Contains(text, " "+target) {
			return fmt.Sprintf("target %#x", in.Target)
		}
	}
	shown := in.Class&(ClassAddrOnly|ClassImplicitSeg) == 0 // objdump prints what acts only for these
	if in.Seg == SegFS && shown && in.SegMatters() != strings.Contains(text, "%fs:") {
		return fmt.Sprintf("SegMatters is %v", in.SegMatters())
	}
	return ""
}
