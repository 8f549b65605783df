package decode

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Text is the instruction at the start of code in GNU (AT&T) syntax, for messages and listings: never for decisions.
// sym, which may be nil, names addresses as x86asm's SymLookup does: the symbol at or before an address, and its start.
// What x86asm cannot render, or renders with another length than Decode, comes out as ".byte 0x..,0x.." (all bytes of
// the instruction; the first alone if Decode fails too).
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
	if in.asmTrusted() {
		x, err := x86asm.Decode(code, 64)
		if err == nil && x.Op != 0 && x.Len == int(in.Len) {
			return x86asm.GNUSyntax(x, in.PC, sym)
		}
	}
	return byteText(code)
}

// asmTrusted is false for forms that x86asm is known to render wrongly with a nil error and the right length.
func (in *Inst) asmTrusted() bool {
	if in.Enc != EncLegacy {
		return in.Prefixes == 0
	}
	return true
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
