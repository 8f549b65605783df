package decode

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, tc := range []struct {
		code []byte
		want string
	}{
		{nil, "(no code)"},
		{[]byte{0x48}, ".byte 0x48"},
		{[]byte{0xc5, 0xf8, 0x77}, "vzeroupper"},
		{[]byte{0xc5, 0xfc, 0x77}, "vzeroall"},
		{[]byte{0xc4, 0xe1, 0x78, 0x77}, "vzeroupper"},
		{[]byte{0xf3, 0x0f, 0x1e, 0xfa}, "endbr64"},
		{[]byte{0xf3, 0x0f, 0x1e, 0xfb}, "endbr32"},
		{[]byte{0x66, 0x0f, 0x38, 0xf6, 0xc1}, ".byte 0x66,0x0f,0x38,0xf6,0xc1 # legacy map 2 opcode f6"},
		{[]byte{0xf3, 0x48, 0x0f, 0x38, 0xf6, 0xc1}, ".byte 0xf3,0x48,0x0f,0x38,0xf6,0xc1 # legacy map 2 opcode f6"},
		{[]byte{0xf3, 0x0f, 0xc7, 0xf8}, ".byte 0xf3,0x0f,0xc7,0xf8 # legacy map 1 opcode c7"},
		// x86asm leaves (%rip) out of VEX and EVEX forms.
		{[]byte{0xc5, 0xf8, 0x10, 0x05, 0x40, 0, 0, 0}, "vmovups 0x40(%rip),%xmm0"},
		{[]byte{0xc5, 0xf9, 0x70, 0x05, 0x40, 0, 0, 0, 0x40}, "vpshufd $0x40,0x40(%rip),%xmm0"},
		{[]byte{0xc5, 0xf8, 0x10, 0x05, 0xc0, 0xff, 0xff, 0xff}, "vmovups -0x40(%rip),%xmm0"},
		{[]byte{0x62, 0xf1, 0x7c, 0x48, 0x10, 0x05, 0x40, 0, 0, 0}, "vmovups 0x40(%rip),%zmm0"},
		// It sees %gs when vvvv is 3, and leaves %fs on instructions that have no segment.
		{[]byte{0xc5, 0x64, 0x56, 0x0f}, "vorps (%rdi),%ymm3,%ymm9"},
		{[]byte{0x64, 0x48, 0x8d, 0x08}, "lea (%rax),%rcx"},
		{[]byte{0x3e, 0x64, 0x65, 0x48, 0x8b, 0x08}, "mov %gs:(%rax),%rcx"},
		{[]byte{0x64, 0xc5, 0xf8, 0x10, 0x00}, ".byte 0x64,0xc5,0xf8,0x10,0x00 # vex map 1 opcode 10 in %fs"},
		// A 32-bit displacement is signed.
		{[]byte{0x48, 0x8b, 0x80, 0, 0, 0, 0xf0}, "mov -0x10000000(%rax),%rax"},
		{[]byte{0x8b, 0x04, 0x25, 0, 0, 0, 0xf0}, "mov 0xfffffffff0000000,%eax"},
		{[]byte{0xa1, 0, 0, 0, 0, 0, 0, 0, 0x80}, "mov 0x8000000000000000,%eax"},
		// Nor does it print the absolute address 0.
		{[]byte{0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0}, "mov %fs:0x0,%rax"},
		{[]byte{0x64, 0x48, 0x89, 0x04, 0x25, 0, 0, 0, 0}, "mov %rax,%fs:0x0"},
		{[]byte{0x64, 0xc7, 0x04, 0x25, 0, 0, 0, 0, 5, 0, 0, 0}, "movl $0x5,%fs:0x0"},
		{[]byte{0x64, 0xa3, 0, 0, 0, 0, 0, 0, 0, 0}, "mov %eax,%fs:0x0"},
		{[]byte{0x64, 0xff, 0x24, 0x25, 0, 0, 0, 0}, "jmpq *%fs:0x0"},
		{[]byte{0x48, 0x8d, 0x04, 0x25, 0, 0, 0, 0}, "lea 0x0,%rax"},
		{[]byte{0x0f, 0xa4, 0x04, 0x25, 0, 0, 0, 0, 5}, "shld $0x5,%eax,0x0"},
		// A REX that another prefix follows is no REX.
		{[]byte{0x48, 0x66, 0x89, 0xc8}, "mov %cx,%ax"},
		// Debug registers above 7 have no name there.
		{[]byte{0x44, 0x0f, 0x21, 0xd0}, ".byte 0x44,0x0f,0x21,0xd0 # legacy map 1 opcode 21"},
		// FP16 instructions come back as those of the same opcode in map 1.
		{[]byte{0x62, 0xf5, 0x7c, 0x48, 0x58, 0xc1}, ".byte 0x62,0xf5,0x7c,0x48,0x58,0xc1 # evex map 5 opcode 58"},
		{[]byte{0xf3, 0x0f, 0x09}, ".byte 0xf3,0x0f,0x09 # legacy map 1 opcode 09"}, // wbnoinvd
	} {
		if got := Text(tc.code, 0x1000, nil); got != tc.want {
			t.Errorf("% x: %q, want %q", tc.code, got, tc.want)
		}
	}
}

func TestTextNamesTargets(t *testing.T) {
	sym := func(addr uint64) (string, uint64) { return "main", 0x2001 }
	// The prefix is left out, but the target still counts from the end of the whole instruction.
	if got, want := Text([]byte{0x2e, 0xe8, 0xfb, 0x0f, 0, 0}, 0x1000, sym), "callq main"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever Text renders must be what objdump says, up to spelling.
func TestTextAgainstObjdump(t *testing.T) {
	program := tool(t, "objdump")
	s := newSampler(9)
	seqs := make([][]byte, sampleSize(t, 40000))
	for i := range seqs {
		seqs[i] = s.next(nil)
	}
	rendered, failures := 0, 0
	disassembleEach(t, program, seqs, func(i int, l line) {
		var in Inst
		if in.Decode(seqs[i], l.addr) != nil || quirk(&in, seqs[i], l.text) != "" || int(in.Len) != l.len || objdumpOdd(&in) {
			return
		}
		text := in.Text(seqs[i], nil)
		if strings.HasPrefix(text, ".byte") {
			return
		}
		rendered++
		if got, want := normalText(text), normalText(l.text); got != want && failures < 20 {
			failures++
			t.Errorf("% x: %q, but %q to objdump (compared as %q and %q)", seqs[i][:in.Len], text, l.text, got, want)
		}
	})
	t.Logf("%d of %d sequences compared", rendered, len(seqs))
	if rendered < len(seqs)/5 {
		t.Errorf("only %d of %d sequences have a text", rendered, len(seqs))
	}
}

// objdumpOdd reports forms that objdump itself renders strangely: it prints a segment for instructions that have none,
// branch hints and an operand size for branches that ignore it, and nops as exchanges.
func objdumpOdd(in *Inst) bool {
	switch {
	case in.Flow == FlowXbegin && in.ImmLen == 2: // it truncates the target, which the manual does not
		return true
	case in.Class&(ClassAddrOnly|ClassVendor) != 0, in.Flow != FlowNext && in.Prefixes&PrefixSeg != 0:
		return true
	case in.Enc == EncLegacy && in.OpMap == 0 && in.Opcode == 0x90:
		return true
	case in.Enc == EncLegacy && in.OpMap == 1 && in.Opcode == 0x03: // lsl reads 16 bits of a register of any name
		return true
	case in.Enc == EncVEX2 || in.Enc == EncVEX3 || in.Enc == EncEVEX:
		// Predicates that have names, narrowing conversions with a suffix, 64-bit forms of vpcmpestri.
		switch in.OpMap {
		case 1:
			return in.Opcode == 0xc2 || in.Opcode == 0x5a || in.Opcode == 0x5b || in.Opcode == 0x7b
		case 2:
			return in.Opcode == 0x72
		default:
			return in.Opcode&0xfc == 0x60
		}
	}
	return false
}

var (
	textPrefixes = regexp.MustCompile(`^((rex(\.[WRXB]+)?|data16|data32|addr32|repz|repnz|rep|repn|[cdefgs]s|lock|bnd|` +
		`xacquire|xrelease|\{e?vex\}) )+`)
	textNumber  = regexp.MustCompile(`\$?-?0x[0-9a-f]+`)
	textNoIndex = regexp.MustCompile(`,%[re]iz(,[1248])?\)`)
	// spellings maps x86asm's mnemonics to objdump's.
	spellings = map[string]string{
		"cdqe": "cltq", "cwde": "cwtl", "cdq": "cltd", "cqo": "cqto", "cwd": "cwtd", "cbw": "cbtw",
		"icebp": "int1", "movsxd": "movsl", "movslq": "movsl", "movabs": "mov", "crc32b": "crc32"}
	// suffixed are mnemonics to which one of the two adds a size that the operands tell anyway.
	suffixed = regexp.MustCompile(`^(andn|[sb]h[lr]x|sarx|rorx|shlx|shrx|bzhi|mulx|bextr|pext|pdep|bls\w+?)[lq]$|` +
		`^(fi(?:add|mul|comp?|subr?|divr?|ld|stp?|sttp))s$`)
)

// normalText removes the differences of spelling between x86asm and objdump: prefixes, the sign and width of numbers,
// scale 1, size suffixes that operands imply.
func normalText(s string) string {
	s = textPrefixes.ReplaceAllString(strings.Join(strings.Fields(s), " ")+" ", "")
	s = textNumber.ReplaceAllStringFunc(s, func(n string) string {
		imm := strings.HasPrefix(n, "$")
		digits := strings.TrimPrefix(n, "$")
		v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(digits, "-"), "0x"), 16, 64)
		if err != nil {
			return n
		}
		if strings.HasPrefix(digits, "-") {
			v = -v
		}
		switch {
		case imm: // sign-extended by one, cut to the operand size by the other
			return fmt.Sprintf("$%x", uint16(v))
		}
		return fmt.Sprintf("0x%x", v)
	})
	s = strings.ReplaceAll(s, " 0x0(", " (")
	s = strings.ReplaceAll(s, ",0x0(", ",(")
	s = strings.ReplaceAll(s, ":0x0(", ":(")
	s = textNoIndex.ReplaceAllString(strings.ReplaceAll(s, ",1)", ")"), ")")
	s = strings.ReplaceAll(s, "%st(0)", "%st")
	m, operands, _ := strings.Cut(strings.TrimSpace(s), " ")
	if a, ok := spellings[m]; ok {
		m = a
	}
	if a := suffixed.FindStringSubmatch(m); a != nil {
		m = a[1] + a[2]
	}
	return strings.TrimSuffix(m, "q") + " " + operands
}
