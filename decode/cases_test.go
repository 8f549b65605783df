package decode

import (
	"encoding/hex"
	"testing"
)

func decodeHex(t *testing.T, s string) (in Inst, err error) {
	t.Helper()
	code, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return in, in.Decode(code, 0x1000)
}

// Each case was once decoded wrongly.
func TestCases(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		check      func(in *Inst) bool
	}{
		{"movq from r11 reads it", "66490f6ec3", func(in *Inst) bool { return in.Reads == R11.Bit() && in.Writes == 0 }},
		{"movq to r11 kills it", "66490f7ec3", func(in *Inst) bool { return in.Reads == 0 && in.Kills == R11.Bit() }},
		{"vpextrq to r11 kills it", "c4c3f916c300", func(in *Inst) bool { return in.Kills == R11.Bit() }},
		{"kmovq from r11 reads it", "c4c1fb92c3", func(in *Inst) bool { return in.Reads == R11.Bit() }},
		{"pcmpestri reads eax and edx, kills ecx", "660f3a61c100", func(in *Inst) bool {
			return in.Reads == RAX.Bit()|RDX.Bit() && in.Kills == RCX.Bit()
		}},
		{"xabort outside a transaction changes nothing", "c6f800", func(in *Inst) bool { return in.Kills == 0 }},
		{"bt keeps the flags it leaves undefined", "0fa3d8", func(in *Inst) bool { return in.FlagsWritten == FlagCF }},
		{"imul keeps the flags it leaves undefined", "0fafc3", func(in *Inst) bool {
			return in.FlagsWritten == FlagCF|FlagOF
		}},
		{"div may keep every flag", "f7f3", func(in *Inst) bool { return in.FlagsWritten == 0 }},
		{"tzcnt keeps OF", "f30fbcc3", func(in *Inst) bool { return in.FlagsWritten == FlagZF }},
		{"vptestmb writes a mask, not flags", "62f27d0826c0", func(in *Inst) bool { return in.FlagsWritten == 0 }},
		{"vmovq to memory counts in 8 bytes", "62f1fd087e4001", func(in *Inst) bool {
			return in.Disp == 8 && in.DispScale == 8
		}},
		{"vgatherpf0qps counts in 4 bytes", "62f27d49c74c0801", func(in *Inst) bool { return in.Disp == 4 }},
		{"vgatherpf0dpd counts in 8 bytes", "62f2fd49c64c0801", func(in *Inst) bool { return in.Disp == 8 }},
		{"vpsraw ignores W", "62f1fd48e1c1", func(in *Inst) bool { return in.Len == 6 }},
		{"vpalignr ignores W", "62f3fd480fc105", func(in *Inst) bool { return in.Len == 7 }},
		{"vpermq runs without W on some CPUs", "c4e37d00c105", func(in *Inst) bool { return in.Len == 6 }},
		{"EVEX.b without rounding runs on some CPUs", "62f17d3870c105", func(in *Inst) bool { return in.Len == 7 }},
		{"movzbl from ah", "0fb6c4", func(in *Inst) bool { return in.HighByte(in.RM()) && in.Reads == RAX.Bit() }},
		{"rep lods with a count of zero loads nothing", "f348ad", func(in *Inst) bool { return in.Kills == 0 }},
	} {
		in, err := decodeHex(t, tc.code)
		if err != nil || !tc.check(&in) {
			t.Errorf("%s: %s: error %v, %+v", tc.name, tc.code, err, in)
		}
	}
}

func TestRefusedCases(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		want       error
	}{
		{"3DNow! has no operation 0F", "0f0fc10f", ErrInvalid},
		{"movnti has no register form", "0fc3c8", ErrInvalid},
		{"an EVEX opcode whose length depends on ModRM needs it", "62f17d5816", ErrTruncated},
		{"vinsertf32x8 with rounding bits needs ModRM", "62f37d181a", ErrTruncated},
		{"REX before VEX", "48c5f877", ErrInvalid},
		{"LOCK on a register", "f001c0", ErrInvalid},
		{"REX2", "d500", ErrUnknown},
		{"EVEX map 4", "62f47c081000", ErrUnknown},
	} {
		if _, err := decodeHex(t, tc.code); err != tc.want {
			t.Errorf("%s: %s: error %v, want %v", tc.name, tc.code, err, tc.want)
		}
	}
}

// What 66 does to near branches is each vendor's own.
func TestVendors(t *testing.T) {
	defer SetVendor(hostVendor)
	for _, tc := range []struct {
		vendor Vendor
		code   string
		len    uint8
		target uint64
	}{
		{VendorIntel, "66e900000100", 6, 0x11006},
		{VendorAMD, "66e900000100", 4, 0x1004},
		{VendorIntel, "6648e900000100", 7, 0x11007},
		{VendorAMD, "6648e900000100", 7, 0x11007},
		{VendorIntel, "660f8400000100", 7, 0x11007},
		{VendorAMD, "660f8400000100", 5, 0x1005},
		{VendorIntel, "66eb80", 3, 0xf83},
		{VendorAMD, "66eb80", 3, 0xf83},
	} {
		SetVendor(tc.vendor)
		in, err := decodeHex(t, tc.code)
		if err != nil || in.Len != tc.len || in.Target != tc.target || in.Class&ClassVendor == 0 {
			t.Errorf("vendor %d: %s: error %v, length %d, target %#x; want %d, %#x", tc.vendor, tc.code, err, in.Len, in.Target,
				tc.len, tc.target)
		}
	}
}

func TestBlock(t *testing.T) {
	for _, tc := range []struct {
		code string
		max  int
		lens []uint8
		err  error
	}{
		{"4889c3c390", 10, []uint8{3, 1}, nil},
		{"4889c34889c3", 10, []uint8{3, 3}, nil}, // the code ends
		{"4889c34889c3", 1, []uint8{3}, nil},
		{"4889c306", 10, []uint8{3}, nil},
		{"06", 10, nil, ErrInvalid},
		{"4889", 10, nil, ErrTruncated},
		{"", 10, nil, ErrTruncated},
	} {
		code, err := hex.DecodeString(tc.code)
		if err != nil {
			t.Fatal(err)
		}
		insts, err := Block(code, 0x1000, tc.max, nil)
		pc := uint64(0x1000)
		if err != tc.err || len(insts) != len(tc.lens) {
			t.Errorf("%s: %d instructions, error %v; want %d, %v", tc.code, len(insts), err, len(tc.lens), tc.err)
			continue
		}
		for i, in := range insts {
			if in.Len != tc.lens[i] || in.PC != pc {
				t.Errorf("%s: instruction %d is at %#x, %d bytes", tc.code, i, in.PC, in.Len)
			}
			pc = in.End()
		}
	}
}

// No instruction begins at an address with 48 significant bits that are not its sign's.
func TestAddresses(t *testing.T) {
	for pc, want := range map[uint64]error{
		0: nil, 1<<47 - 1: nil, 1 << 47: ErrAddress, 1 << 63: ErrAddress, 0xffff_8000_0000_0000: nil, 1<<64 - 1: nil,
	} {
		var in Inst
		if err := in.Decode([]byte{0x90}, pc); err != want {
			t.Errorf("at %#x: %v, want %v", pc, err, want)
		}
		if _, err := Block([]byte{0x90}, pc, 1, nil); err != want {
			t.Errorf("block at %#x: %v, want %v", pc, err, want)
		}
	}
}

func TestFault(t *testing.T) {
	for err, want := range map[error]bool{
		ErrInvalid: true, ErrUnknown: true, ErrTruncated: false, ErrTooLong: false, ErrAddress: false,
		nil: false,
	} {
		if Fault(err) != want {
			t.Errorf("Fault(%v) is %v", err, !want)
		}
	}
}
