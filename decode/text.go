package decode

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Text is the instruction at the start of code in GNU (AT&T) syntax, for messages and listings: never for decisions.
// sym, which may be nil, names addresses as x86asm's SymLookup does: the symbol at or before an address, and its
// start. Prefixes without an effect are left out. What cannot be rendered with certainty comes out as ".byte
// 0x..,0x.. # facts" (all bytes of the instruction; the first alone, without facts, if Decode fails too).
func Text(code []byte, pc uint64, sym func(uint64) (string, uint64)) string {
	var in Inst
	if err := in.Decode(code, pc); err != nil {
		if len(code) == 0 {
			return "(no code)"
		}
		return byteText(code[:1])
	}
	return in.Text(code, sym)
}

// Text is like the function Text for an instruction that is already decoded from code.
func (in *Inst) Text(code []byte, sym func(uint64) (string, uint64)) string {
	code = code[:in.Len]
	if s, ok := in.ownText(); ok {
		return s
	}
	if s, ok := in.asmText(code, sym); ok {
		return s
	}
	return byteText(code) + " # " + in.facts()
}

// facts says what is known of an instruction that has no text.
func (in *Inst) facts() string {
	enc := [...]string{"legacy", "vex", "vex", "evex", "xop"}[in.Enc]
	s := fmt.Sprintf("%s map %d opcode %02x", enc, in.OpMap, in.Opcode)
	if in.SegMatters() {
		s += map[Seg]string{SegFS: " in %fs", SegGS: " in %gs"}[in.Seg]
	}
	if addr, ok := in.Addr(); ok {
		s += fmt.Sprintf(" at 0x%x", addr)
	}
	if in.Flow != FlowNext {
		s += ", ends the block"
	}
	return s
}

// asmText asks x86asm, in the common encodings only, and patches or refuses what it is known to get wrong.
func (in *Inst) asmText(code []byte, sym func(uint64) (string, uint64)) (string, bool) {
	if in.asmWrong() {
		return "", false
	}
	plain, ok := in.plainCode(code)
	if !ok {
		return "", false
	}
	x, err := x86asm.Decode(plain, 64)
	if err != nil || x.Op == 0 || x.Len != len(plain) {
		return "", false
	}
	// A relative operand counts from the end of the instruction, which is not where plain ends.
	s := x86asm.GNUSyntax(x, in.End()-uint64(x.Len), sym)
	s = in.zeroAddress(s)
	if strings.Contains(s, " ,") || strings.HasSuffix(s, ",") {
		return "", false // an operand it has no name for
	}
	s = in.signDisp(s)
	if in.Enc != EncLegacy {
		s = in.patchVEX(s)
	}
	return s, true
}

// patchVEX puts right what x86asm v0.32 makes of VEX operands: it names %gs when vvvv is 3 and %fs when it is 2 or
// so, calls a missing index %eiz, and leaves (%rip) out. There are no prefixes here, so no segment (asmWrong).
func (in *Inst) patchVEX(s string) string {
	s = strings.NewReplacer("%fs:", "", "%gs:", "", ",%eiz", ",%riz").Replace(s)
	if !in.RIPRel() {
		return s
	}
	disp := fmt.Sprintf("0x%x", in.Disp)
	if in.Disp < 0 {
		disp = fmt.Sprintf("-0x%x", -in.Disp)
	}
	for i := len(s) - len(disp); i > 0; i-- {
		if s[i:i+len(disp)] == disp && s[i-1] != '$' {
			return s[:i+len(disp)] + "(%rip)" + s[i+len(disp):]
		}
	}
	return s
}

// zeroAddress supplies the absolute address 0, for which x86asm prints nothing.
func (in *Inst) zeroAddress(s string) string {
	absolute := in.HasMem && in.Base == NoReg && in.Index == NoReg && in.Disp == 0 || in.Moffs && in.Imm == 0
	if !absolute {
		return s
	}
	for _, lead := range []string{"%fs:", "%gs:", "*", " ", ","} {
		if i := strings.LastIndex(s, lead+","); i >= 0 {
			return s[:i+len(lead)] + "0x0" + s[i+len(lead):]
		}
		if strings.HasSuffix(s, lead) {
			return s + "0x0"
		}
	}
	return s
}

// signDisp puts a negative 32-bit displacement right, which x86asm prints as if it were positive.
func (in *Inst) signDisp(s string) string {
	if in.Moffs && in.Imm < 0 {
		return strings.Replace(s, fmt.Sprintf("-0x%x", -uint64(in.Imm)), fmt.Sprintf("0x%x", uint64(in.Imm)), 1)
	}
	if in.DispLen != 4 || in.Disp >= 0 || in.AddrSize == 4 && in.Base == NoReg && in.Index == NoReg {
		return s
	}
	wrong := fmt.Sprintf("0x%x", uint32(in.Disp))
	s = strings.Replace(s, wrong+"(", fmt.Sprintf("-0x%x(", -in.Disp), 1)
	if in.Base == NoReg && in.Index == NoReg {
		s = strings.Replace(s, wrong, fmt.Sprintf("0x%x", uint64(in.Disp)), 1)
	}
	return s
}

// plainCode is the instruction with only the prefixes that act: x86asm renders some of the others as if they did.
func (in *Inst) plainCode(code []byte) ([]byte, bool) {
	var b [MaxLen + 1]byte
	p := b[:0]
	add := func(yes bool, c byte) {
		if yes {
			p = append(p, c)
		}
	}
	start := int(in.RexOff)
	if in.RexOff < 0 {
		start = int(in.OpOff)
		switch in.OpMap {
		case 1, 0xf:
			start--
		case 2, 3:
			start -= 2
		}
	}
	if in.OpMap == 0xf {
		return nil, false
	}
	has := func(bit uint16) bool { return in.Prefixes&bit != 0 }
	add(in.Seg == SegFS && in.SegMatters(), 0x64)
	add(in.Seg == SegGS && in.SegMatters(), 0x65)
	addresses := in.HasMem || in.Moffs || in.Class&(ClassString|ClassImplicitSeg) != 0 || in.Flow == FlowLoop
	add(has(PrefixAddrSize) && addresses, 0x67)
	add(has(PrefixOpSize) && (in.Class&ClassVendor == 0 || in.OpSize == 2), 0x66)
	add(has(PrefixLock), 0xf0)
	add(has(PrefixRep), 0xf3)
	add(has(PrefixRepne), 0xf2)
	return append(p, code[start:]...), true
}

// asmWrong is true for forms that x86asm is known to render wrongly with a nil error and the right length.
func (in *Inst) asmWrong() bool {
	switch in.Enc {
	case EncLegacy:
	case EncVEX2, EncVEX3, EncEVEX: // signDisp does not know absolute ones; masks and
		// roundings are missing from some; maps 5 and 6 come back as the instructions of maps 1 and 2
		return in.Prefixes != 0 || in.HasMem && in.Base == NoReg || in.EVEXp2&0x97 != 0 || in.OpMap > 3
	default:
		return true
	}
	switch in.OpMap {
	case 0:
		return in.Flow == FlowLoop && in.AddrSize == 4 && in.Opcode != 0xe3 // counts ecx, prints rcx's name
	case 1:
		switch in.Opcode {
		case 0x01: // operand size suffixes on lgdt and its kin
			return in.HasMem
		case 0x07, 0x35: // sysret, sysexit: l or q
			return true
		case 0x2c, 0x2d, 0xd6: // the 66 that F2 or F3 overrides counts as an operand size, or picks mmx
			return in.Prefixes&PrefixOpSize != 0 && in.Prefixes&(PrefixRep|PrefixRepne) != 0
		case 0x50, 0xd7: // the destination's width
			return in.Rex&RexW != 0
		case 0xae: // the F3 forms under the names of those without
			return in.Prefixes&PrefixOpSize != 0 || in.Prefixes&PrefixRep != 0 && (in.HasMem || in.Reg3() > 3)
		case 0xc7: // vmptrld and rdrand are mixed up
			return in.Reg3() >= 3
		case 0x09: // wbnoinvd
			return in.Prefixes&PrefixRep != 0
		}
	}
	return false
}

// ownText covers common instructions that x86asm v0.32 lacks.
func (in *Inst) ownText() (string, bool) {
	switch {
	case in.Enc == EncVEX2 && in.Opcode == 0x77:
		if in.VecLen == 32 {
			return "vzeroall", true
		}
		return "vzeroupper", true
	case in.Enc == EncLegacy && in.OpMap == 1 && in.Opcode == 0x1e && in.Prefixes&PrefixRep != 0 && in.ModRM == 0xfa:
		return "endbr64", true
	case in.Enc == EncLegacy && in.OpMap == 1 && in.Opcode == 0x1e && in.Prefixes&PrefixRep != 0 && in.ModRM == 0xfb:
		return "endbr32", true
	}
	return "", false
}

func byteText(code []byte) string {
	var b strings.Builder
	b.WriteString(".byte ")
	for i, c := range code {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "0x%02x", c)
	}
	return b.String()
}
