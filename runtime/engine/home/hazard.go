package home

import "cabitrans/decode"

// maxReach is how many bytes behind the first a hazard is looked for.
const maxReach = decode.MaxLen - 1

// hazards looks for instructions that must not begin at any of the first n bytes of
// code, the bytes as the host has them. fs says that %fs is the host's.
func hazards(code []byte, n int, fs bool) bool {
	for i, c := range code[:min(n, len(code))] {
		if !begins[c] {
			continue
		}
		if c != 0x64 && hazard(code[i:]) || c == 0x64 && fs && hostTLS(code[i:]) {
			return true
		}
	}
	return false
}

// begins are the bytes that a hazard may begin with: few of those of a page.
var begins = [256]bool{0x0f: true, 0x8e: true, 0xcd: true, 0x64: true}

// hazard reports an instruction that enters the kernel or changes what %fs, %gs or the
// protection keys are, without its prefixes.
func hazard(b []byte) bool {
	if len(b) < 2 {
		return false // the rest cannot be fetched
	}
	switch b[0] {
	case 0xcd:
		return b[1] == 0x80 // int; every other number faults
	case 0x8e:
		return segmentField(b[1]) // mov to a segment register
	}
	switch b[1] {
	case 0x05, 0x34, // syscall, sysenter
		0xa1, 0xa9, 0xb4, 0xb5: // pop %fs, pop %gs, lfs, lgs
		return true
	case 0xae: // wrfsbase and wrgsbase, which have a register operand
		return len(b) > 2 && (b[2]&0xf8 == 0xd0 || b[2]&0xf8 == 0xd8)
	case 0x01: // wrpkru
		return len(b) > 2 && b[2] == 0xef
	}
	return false
}

// segmentField reports whether the reg field of a ModRM byte names %fs or %gs.
func segmentField(modrm byte) bool { return modrm>>3&7 == 4 || modrm>>3&7 == 5 }

// hostTLS reports an instruction that addresses %fs without a register.
func hostTLS(b []byte) bool {
	var in decode.Inst
	if in.Decode(b, 0) != nil || in.Seg != decode.SegFS || !in.SegMatters() {
		return false
	}
	return in.Moffs || in.HasMem && in.Index == decode.NoReg && (in.Base == decode.NoReg || in.Base == decode.RIP) &&
		in.Class&decode.ClassVSIB == 0
}
