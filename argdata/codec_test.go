package argdata

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustEncode(t testing.TB, v Value) []byte {
	t.Helper()
	b, err := Encode(v)
	if err != nil {
		t.Fatalf("Encode(%#v): %v", v, err)
	}
	return b
}

// vectors pairs values with their bytes. The borders of integers and
// timestamps are made in TestSignedBorders.
var vectors = []struct {
	name string
	v    Value
	hex  string
}{
	{"null", Null{}, ""},
	{"binary empty", Binary{}, "01"},
	{"binary", Binary("\x00\xff"), "01 00 ff"},
	{"false", Bool(false), "02"},
	{"true", Bool(true), "02 01"},
	{"fd", FD(0x01020304), "03 01 02 03 04"},
	{"fd none", InvalidFD, "03 ff ff ff ff"},
	{"float 1.5", Float(1.5), "04 3f f8 00 00 00 00 00 00"},
	{"float -0", Float(math.Copysign(0, -1)), "04 80 00 00 00 00 00 00 00"},
	{"float inf", Float(math.Inf(1)), "04 7f f0 00 00 00 00 00 00"},
	{"float -inf", Float(math.Inf(-1)), "04 ff f0 00 00 00 00 00 00"},
	{"float least", Float(math.SmallestNonzeroFloat64), "04 00 00 00 00 00 00 00 01"},
	{"int 0", Int(0), "05"},
	{"int -1", Int(-1), "05 ff"},
	{"int least", Int(math.MinInt64), "05 80 00 00 00 00 00 00 00"},
	{"int most", Int(math.MaxInt64), "05 7f ff ff ff ff ff ff ff"},
	{"uint first", Uint(1 << 63), "05 00 80 00 00 00 00 00 00 00"},
	{"uint most", Uint(math.MaxUint64), "05 00 ff ff ff ff ff ff ff ff"},
	{"map empty", Map{}, "06"},
	{"map", Map{{Bool(true), Null{}}, {Seq{Int(7)}, Map{}}}, "06 82 02 01 80 84 07 82 05 07 81 06"},
	{"seq empty", Seq{}, "07"},
	{"seq", Seq{Null{}, Bool(false), String("é")}, "07 80 81 02 84 08 c3 a9 00"},
	{"str empty", String(""), "08 00"},
	{"str with zero", String("a\x00b"), "08 61 00 62 00"},
	{"epoch", Timestamp{}, "09"},
	{"1ns before", Timestamp{-1, 999_999_999}, "09 ff"},
	{"time most", Timestamp{math.MaxInt64, 999_999_999}, "09 1d cd 64 ff ff ff ff ff ff ff ff ff"},
	{"time least", Timestamp{math.MinInt64, 0}, "09 e2 32 9b 00 00 00 00 00 00 00 00 00"},
}

func TestVectors(t *testing.T) {
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			want := unhex(t, tt.hex)
			if got := mustEncode(t, tt.v); !bytes.Equal(got, want) {
				t.Errorf("Encode = % x, want % x", got, want)
			}
			if got, err := Decode(want); err != nil || !reflect.DeepEqual(got, tt.v) {
				t.Errorf("Decode = %#v, %v, want %#v", got, err, tt.v)
			}
		})
	}
}

// TestSignedBorders checks every number next to a power of two, of either sign,
// against big.Int: as an integer where it fits, and as a timestamp.
func TestSignedBorders(t *testing.T) {
	billion := big.NewInt(nsecPerSec)
	ints, times := 0, 0
	for bit := uint(0); bit < 96; bit++ {
		for _, sign := range []int64{1, -1} {
			for d := int64(-1); d <= 1; d++ {
				n := new(big.Int).Lsh(big.NewInt(1), bit)
				n.Mul(n, big.NewInt(sign)).Add(n, big.NewInt(d))
				var v Value
				switch {
				case n.IsInt64():
					v = Int(n.Int64())
				case n.IsUint64():
					v = Uint(n.Uint64())
				}
				if v != nil {
					ints++
					checkSigned(t, v, typeInt, n)
				}
				sec, nsec := new(big.Int).DivMod(n, billion, new(big.Int))
				if sec.IsInt64() {
					times++
					checkSigned(t, Timestamp{sec.Int64(), uint32(nsec.Uint64())}, typeTimestamp, n)
				}
			}
		}
	}
	if ints < 64*4 || times < 90*4 {
		t.Errorf("checked only %d integers and %d timestamps", ints, times)
	}
}

func checkSigned(t *testing.T, v Value, kind byte, n *big.Int) {
	t.Helper()
	size := 0 // the fewest bytes b with -2^(8b-1) <= n < 2^(8b-1)
	for n.Sign() != 0 {
		half := new(big.Int).Lsh(big.NewInt(1), uint(8*size+7))
		size++
		if n.Cmp(half) < 0 && n.Cmp(new(big.Int).Neg(half)) >= 0 {
			break
		}
	}
	want := append([]byte{kind}, make([]byte, size)...)
	if size > 0 {
		modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
		new(big.Int).Mod(n, modulus).FillBytes(want[1:])
	}
	if got := mustEncode(t, v); !bytes.Equal(got, want) {
		t.Errorf("Encode(%#v) = % x, want % x", v, got, want)
	}
	if got, err := Decode(want); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("Decode(% x) = %#v, %v, want %#v", want, got, err, v)
	}
}

func TestLengths(t *testing.T) {
	for _, tt := range []struct {
		size int // of the element's encoding
		hex  string
	}{
		{1, "81"}, {127, "ff"}, {128, "01 80"}, {129, "01 81"}, {16383, "7f ff"}, {16384, "01 00 80"}, {1 << 21, "01 00 00 80"},
	} {
		got := mustEncode(t, Seq{Binary(make([]byte, tt.size-1))})
		want := append(append([]byte{typeSeq}, unhex(t, tt.hex)...), typeBinary)
		if len(got) != len(want)+tt.size-1 || !bytes.HasPrefix(got, want) {
			t.Errorf("element of %d bytes: %d bytes from % x, want from % x", tt.size, len(got), got[:6], want)
		}
		if v, err := Decode(got); err != nil || len(v.(Seq)[0].(Binary)) != tt.size-1 {
			t.Errorf("element of %d bytes: Decode: %v", tt.size, err)
		}
	}
}

// TestLenientIntegers: the reference's getters take these, its makers never
// write them.
func TestLenientIntegers(t *testing.T) {
	for _, tt := range []struct {
		hex  string
		want Value
	}{
		{"05 00", Int(0)},
		{"05 00 00 05", Int(5)},
		{"05 ff ff ff", Int(-1)},
		{"05 00 00 00 00 00 00 00 00 01", Int(1)},
		{"09 00 00", Timestamp{}},
		{"09 ff ff ff ff ff ff ff ff ff ff ff ff", Timestamp{-1, 999_999_999}},
	} {
		if got, err := Decode(unhex(t, tt.hex)); err != nil || got != tt.want {
			t.Errorf("Decode(%s) = %#v, %v, want %#v", tt.hex, got, err, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := []byte(nil)
	for range MaxDepth + 1 {
		deep = append(appendLength([]byte{typeSeq}, len(deep)), deep...)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"type 0", "00", "argdata: byte 0: unknown type 0"},
		{"type 10", "07 81 0a", "argdata: byte 2: unknown type 10"},
		{"bool 00", "02 00", "argdata: byte 0: bool is neither empty nor one byte 01"},
		{"bool long", "02 01 01", "argdata: byte 0: bool is neither empty nor one byte 01"},
		{"fd short", "03 00 00 00", "argdata: byte 0: descriptor number of 3 bytes instead of 4"},
		{"fd long", "03 00 00 00 00 00", "argdata: byte 0: descriptor number of 5 bytes instead of 4"},
		{"float short", "04", "argdata: byte 0: float of 0 bytes instead of 8"},
		{"int below", "05 ff 7f ff ff ff ff ff ff ff", "argdata: byte 0: integer outside the 64-bit range"},
		{"int above", "05 01 00 00 00 00 00 00 00 00", "argdata: byte 0: integer outside the 64-bit range"},
		{"int long", "05 00 00 00 00 00 00 00 00 00 01", "argdata: byte 0: integer outside the 64-bit range"},
		{"map odd", "06 81 02", "argdata: byte 0: map whose last key has no value"},
		{"length overlong", "07 00 81 02", "argdata: byte 1: malformed length"},
		{"length open", "07 01", "argdata: byte 1: malformed length"},
		{"length above 64 bits", "07 02 00 00 00 00 00 00 00 00 80", "argdata: byte 1: malformed length"},
		{"length most", "07 01 7f 7f 7f 7f 7f 7f 7f 7f ff", "argdata: byte 11: length 18446744073709551615 reaches past the end, 0 bytes away"},
		{"length past end", "07 80 83 02", "argdata: byte 3: length 3 reaches past the end, 1 bytes away"},
		{"nested", "06 81 02 85 07 81 02 81 08", "argdata: byte 8: string without the closing zero byte"},
		{"string open", "08 61", "argdata: byte 0: string without the closing zero byte"},
		{"string latin1", "08 e9 00", "argdata: byte 0: string is not valid UTF-8"},
		{"string overlong", "08 c0 80 00", "argdata: byte 0: string is not valid UTF-8"},
		{"string surrogate", "08 ed a0 80 00", "argdata: byte 0: string is not valid UTF-8"},
		{"timestamp long", "09 00 00 00 00 00 00 00 00 00 00 00 00 00", "argdata: byte 0: timestamp outside the range of 64-bit seconds"},
		{"timestamp above", "09 1d cd 65 00 00 00 00 00 00 00 00 00", "argdata: byte 0: timestamp outside the range of 64-bit seconds"},
		{"timestamp below", "09 e2 32 9a ff ff ff ff ff ff ff ff ff", "argdata: byte 0: timestamp outside the range of 64-bit seconds"},
		{"timestamp far", "09 7f ff ff ff ff ff ff ff ff ff ff ff", "argdata: byte 0: timestamp outside the range of 64-bit seconds"},
		{"deep", hex.EncodeToString(deep), "argdata: byte 2937: more than 1000 nested maps and sequences"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := Decode(unhex(t, tt.in))
			var typed *DecodeError
			if v != nil || !errors.As(err, &typed) || err.Error() != tt.want {
				t.Errorf("Decode = %v, %v\nwant %s", v, err, tt.want)
			}
		})
	}
}

func nest(v Value, depth int) Value {
	for range depth {
		v = Seq{v}
	}
	return v
}

func TestEncodeRefuses(t *testing.T) {
	loop := Seq{nil, nil}
	loop[0], loop[1] = loop, loop
	wide := Value(Binary(make([]byte, 1<<20)))
	for range 7 {
		wide = Map{{wide, wide}}
	}
	for _, tt := range []struct {
		name string
		v    Value
		want error
	}{
		{"string", Seq{String("\xff")}, ErrNotUTF8},
		{"key", Map{{String("\xff"), nil}}, ErrNotUTF8},
		{"nanoseconds", Timestamp{0, 1e9}, ErrNanoseconds},
		{"deep", nest(nil, MaxDepth+1), ErrTooDeep},
		{"endless", loop, ErrTooDeep},
		{"wide", wide, ErrTooLarge},
		{"large", String(make([]byte, MaxSize)), ErrTooLarge},
	} {
		got, err := Append([]byte("kept"), tt.v)
		if !errors.Is(err, tt.want) || string(got) != "kept" {
			t.Errorf("%s: Append = %d bytes, %v, want the error %v", tt.name, len(got), err, tt.want)
		}
	}
	if b := mustEncode(t, nest(nil, MaxDepth)); len(b) == 0 {
		t.Error("the deepest value allowed encodes to nothing")
	}
}

func TestAppendKeepsPrefix(t *testing.T) {
	got, err := Append([]byte("ab"), Seq{nil, Int(1)})
	if want := "ab\x07\x80\x82\x05\x01"; err != nil || string(got) != want {
		t.Errorf("Append = %q, %v, want %q", got, err, want)
	}
}

// TestDecodeCopies: a value must not change with the buffer it came from.
func TestDecodeCopies(t *testing.T) {
	in := unhex(t, "07 82 01 61 83 08 61 00")
	v, err := Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	clear(in)
	if want := (Seq{Binary("a"), String("a")}); !reflect.DeepEqual(v, want) {
		t.Errorf("value changed to %#v", v)
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		v := randomValue(r, 4)
		enc := mustEncode(t, v)
		back, err := Decode(enc)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Fatalf("value %d: %#v\ncame back as %#v, %v", i, v, back, err)
		}
		if again := mustEncode(t, back); !bytes.Equal(again, enc) {
			t.Fatalf("value %d: % x\nencoded again: % x", i, enc, again)
		}
	}
}

// randomValue never makes a NaN, which would not equal itself.
func randomValue(r *rand.Rand, depth int) Value {
	kinds := 11
	if depth == 0 {
		kinds = 9
	}
	switch r.IntN(kinds) {
	case 0:
		return Null{}
	case 1:
		return Bool(r.IntN(2) == 0)
	case 2:
		return Int(int64(r.Uint64()) >> r.IntN(64))
	case 3:
		return Uint(r.Uint64() | 1<<63)
	case 4:
		return Float(r.NormFloat64())
	case 5:
		return String([]rune{rune(r.IntN(0xd800)), 'x', rune(0xe000 + r.IntN(0x102000))}[:r.IntN(4)])
	case 6:
		b := make(Binary, r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	case 7:
		return Timestamp{int64(r.Uint64()) >> r.IntN(64), r.Uint32N(1e9)}
	case 8:
		return FD(r.Uint32())
	case 9:
		s := make(Seq, r.IntN(6))
		for i := range s {
			s[i] = randomValue(r, depth-1)
		}
		return s
	default:
		m := make(Map, r.IntN(6))
		for i := range m {
			m[i] = Entry{randomValue(r, depth-1), randomValue(r, depth-1)}
		}
		return m
	}
}
