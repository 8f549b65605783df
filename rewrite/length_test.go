package rewrite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"cabitrans/decode"
)

// TestLongest: a RIP-relative operand out of reach takes a byte more, which padding
// must make room for.
func TestLongest(t *testing.T) {
	const disp = " 00100c86 "
	for _, c := range []struct{ name, code, want string }{
		{"dead REX prefixes", "42424242424242 42 488d3d" + disp, "488d3c25"},
		{"no room", "4242424242424242488d3d00100c86", "488d3c25"},
		{"segments", "2e36263e6565 65 83 0d" + disp + "05", "830c25"},
		{"66 of a 64-bit operand", "66 f2 66 f0 48 81 05" + disp + "78563412", "f2f048810425"},
		{"66 often", "6666666666 81 05" + disp + "7856", "66810425"},
		{"66 of a vector", "66666666 66 66 480f6e3d" + disp, "66480f6e3c25"},
		{"f3 after f2", "f3f2f2f3f3 f3 0f1005" + disp + "", "f30f100425"},
		{"f2 after f3", "f3f3f3f3f3 f2 0f1005" + disp + "", "f20f100425"},
		{"%fs in others", "6564656465 64 64 83 0d" + disp + "05", "65830c25"},
		{"%fs of VEX", "2e36266436 c5f81005" + disp, "65c5f8100425"},
		{"%fs of VEX, not the last", "2e64366526 c5f81005" + disp, "c5f8100425"},
		{"the longest", "f0f264 48 8105" + disp + "78563412", "f0f26548810425"},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var in decode.Inst
		if err := in.Decode(code, testPC); err != nil || int(in.Len) != len(code) {
			t.Fatalf("%s: % x: %v, %d bytes", c.name, code, err, in.Len)
		}
		r := newTestRewriter(GS{}, Options{})
		r.Inst(&in, code)
		out := r.Hot.Code(0)
		if got := hex.EncodeToString(out[:min(len(c.want)/2, len(out))]); got != c.want {
			t.Errorf("%s: % x begins with %s, want %s", c.name, out, got, c.want)
		}
		checkTranslations(t, code)
	}
}

// TestPadded holds for the corpus, each padded to the longest that there is, what
// FuzzRewrite looks for; RIP-relative operands lead far up and down, too.
func TestPadded(t *testing.T) {
	padded := 0
	for _, b := range corpus(t) {
		for _, pad := range []byte{0x42, 0x2e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3} {
			var in decode.Inst
			if in.Decode(b, testPC) != nil {
				break
			}
			code := append(bytes.Repeat([]byte{pad}, decode.MaxLen-int(in.Len)), b[:in.Len]...)
			if in.Decode(code, testPC) != nil || len(code) != int(in.Len) {
				continue
			}
			padded++
			checkTranslations(t, code)
			if !in.RIPRel() {
				continue
			}
			for _, disp := range []uint32{0x7ffffff0, 0x860c1000} {
				binary.LittleEndian.PutUint32(code[in.DispOff:], disp)
				checkTranslations(t, code)
			}
		}
	}
	if padded < 1000 {
		t.Errorf("only %d instructions of %d bytes", padded, decode.MaxLen)
	}
}
