package decode

import "bytes"

// LoadsMXCSR reports an instruction that may change the control bits of MXCSR: ldmxcsr, fxrstor, xrstor, and what
// differs from them in prefixes only.
func (in *Inst) LoadsMXCSR() bool {
	return in.Opcode == 0xae && in.OpMap == 1 && in.HasMem && loadsMXCSR(in.ModRM)
}

// loadsMXCSR looks at the ModRM byte behind 0F AE.
func loadsMXCSR(modrm byte) bool {
	op := modrm >> 3 & 7
	return modrm < 0xc0 && (op == 1 || op == 2 || op == 5)
}

// MayLoadMXCSR reports whether any such instruction begins at any byte of code, or ends there.
func MayLoadMXCSR(code []byte) bool {
	for i := 1; i+1 < len(code); i++ {
		n := bytes.IndexByte(code[i:], 0xae)
		if n < 0 {
			return false
		}
		if i += n; i+1 < len(code) && loadsMXCSR(code[i+1]) && (code[i-1] == 0x0f ||
			i >= 2 && code[i-2] == 0xc5 && vexNoPrefix(code[i-1]) || i >= 3 && code[i-3] == 0xc4 && vexNoPrefix(code[i-1])) {
			return true
		}
	}
	return false
}

// vexNoPrefix looks at the last byte of a VEX prefix: no register, no length, no implied prefix, as vldmxcsr has it.
func vexNoPrefix(b byte) bool { return b&0x7f == 0x78 }
