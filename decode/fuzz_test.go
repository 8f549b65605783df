package decode

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// checkProperties verifies what must hold for any bytes.
func checkProperties(t *testing.T, code []byte) {
	t.Helper()
	const pc = 0x40_1000
	var in Inst
	err := in.Decode(code, pc)
	switch err {
	case nil:
	case ErrTruncated:
		if len(code) >= MaxLen {
			t.Fatalf("% x: truncated, with %d bytes", code, len(code))
		}
		return
	case ErrInvalid, ErrUnknown, ErrTooLong:
		var again Inst
		if e := again.Decode(append(bytes.Clone(code), 0xcc, 0), pc); e != err && e != ErrTooLong {
			t.Fatalf("% x: %v, with more bytes behind %v", code, err, e)
		}
		return
	default:
		t.Fatalf("% x: unexpected error %v", code, err)
	}
	n := int(in.Len)
	if n < 1 || n > MaxLen || n > len(code) {
		t.Fatalf("% x: length %d of %d bytes", code, n, len(code))
	}
	// What follows does not matter.
	for _, tail := range [][]byte{nil, {0xff, 0x66, 0x0f}, bytes.Repeat([]byte{0xc4}, MaxLen)} {
		var other Inst
		if err := other.Decode(append(bytes.Clone(code[:n]), tail...), pc); err != nil || other != in {
			t.Fatalf("% x: decodes differently before % x: %v", code[:n], tail, err)
		}
	}
	for i := range n {
		var part Inst
		if err := part.Decode(code[:i], pc); err != ErrTruncated {
			t.Fatalf("% x: the first %d bytes give %v, want ErrTruncated", code[:n], i, err)
		}
	}
	checkFields(t, &in, code[:n])
	if s := in.Text(code, nil); s == "" {
		t.Fatalf("% x: no text", code[:n])
	}
}

// checkFields verifies that the fields of in fit each other and its bytes, code.
func checkFields(t *testing.T, in *Inst, code []byte) {
	t.Helper()
	bad := func(why string) { t.Helper(); t.Fatalf("% x: %s: %+v", code, why, *in) }
	n := int8(in.Len)
	within := func(off int8, size uint8) bool { return off >= 0 && off+int8(size) <= n }
	switch {
	case in.Kills&^in.Writes != 0 || in.Kills&in.Reads != 0:
		bad("Kills is not within Writes less Reads")
	case in.DispLen != 0 && !within(in.DispOff, in.DispLen) || in.DispLen == 0 && in.DispOff >= 0:
		bad("DispOff")
	case in.ImmLen != 0 && (!within(in.ImmOff, in.ImmLen) || in.ImmOff+int8(in.ImmLen) != n):
		bad("the immediate does not end the instruction")
	case in.ImmLen == 0 && in.DispLen != 0 && in.DispOff+int8(in.DispLen) != n:
		bad("the displacement does not end the instruction")
	case in.SegOff >= 0 != (in.Seg != SegNone) ||
		in.SegOff >= 0 && prefixKind[code[in.SegOff]] != pfxFS+uint8(in.Seg-SegFS):
		bad("SegOff")
	case in.Prefixes&PrefixREX != 0 && (in.Enc != EncLegacy || code[in.RexOff]&0xf0 != 0x40):
		bad("RexOff")
	case in.ModRMOff >= 0 && code[in.ModRMOff] != in.ModRM:
		bad("ModRMOff")
	case in.HasMem && in.ModRMOff < 0, in.RIPRel() && in.DispLen != 4, in.DispScale == 0:
		bad("the memory operand")
	case in.OpMap != 0xf && code[in.OpOff] != in.Opcode:
		bad("OpOff")
	case in.HasMem && in.Class&ClassVSIB == 0 && in.AddrRegs()&^in.Reads != 0:
		bad("address registers are not read")
	}
	if addr, ok := in.Addr(); ok && in.RIPRel() && in.AddrSize == 8 && addr != in.PC+uint64(in.Len)+uint64(in.Disp) {
		bad("Addr")
	}
}

func FuzzDecode(f *testing.F) {
	s := newSampler(4)
	for range 200 {
		f.Add(bytes.Clone(s.next(nil)))
	}
	for _, l := range goldenLines(f) {
		if l.code != nil {
			f.Add(l.code)
		}
	}
	f.Fuzz(func(t *testing.T, code []byte) { checkProperties(t, code) })
}

// The properties hold for random sequences of all lengths and for every prefix of opcode space.
func TestProperties(t *testing.T) {
	s := newSampler(6)
	for range sampleSize(t, 100000) {
		b := s.next(nil)
		checkProperties(t, b[:1+s.IntN(MaxLen)])
	}
	for _, lead := range []string{"", "66", "f3", "f2", "48", "0f", "660f", "f30f", "f20f", "0f38", "660f38", "0f3a",
		"660f3a",
		"c5f8", "c5f9", "c5fe", "c4e17d", "c4e27d", "c4e37d", "62f17c48", "62f17d58",
		"62f2fd28", "62f37d08", "8fe878", "8fe978"} {
		p, err := hex.DecodeString(lead)
		if err != nil {
			t.Fatal(err)
		}
		for op := range 256 {
			for _, modrm := range []byte{0x00, 0x05, 0x44, 0x84, 0xc0, 0xd1, 0xfa} {
				b := append(bytes.Clone(p), byte(op), modrm, 0x25, 0x80, 0x01, 0x02, 0x03, 0x04, 0x05)
				checkProperties(t, b)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	s := newSampler(8)
	seqs := make([][]byte, 1000)
	for i := range seqs {
		seqs[i] = s.next(nil)
	}
	var in Inst
	block := make([]Inst, 0, 64)
	if n := testing.AllocsPerRun(10, func() {
		for _, b := range seqs {
			in.Decode(b, 0)
			block, _ = Block(b, 0, 64, block[:0])
		}
	}); n != 0 {
		t.Errorf("%v allocations for 1000 instructions", n)
	}
}
