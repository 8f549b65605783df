package argdata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"
)

// Decode returns the value whose binary form is b, all of it. The value shares no
// memory with b. Every error is a *DecodeError.
//
// Integers and timestamps may be longer than needed, as in the reference
// (argdata_get_int_s.c and its neighbours); all else has one form.
func Decode(b []byte) (Value, error) {
	return decodeValue(b, 0, 0)
}

// decodeValue decodes b, which starts at byte off of the block and lies inside
// depth composites.
func decodeValue(b []byte, off, depth int) (Value, error) {
	if len(b) == 0 {
		return Null{}, nil
	}
	fail := func(format string, args ...any) (Value, error) {
		return nil, &DecodeError{Offset: off, Msg: fmt.Sprintf(format, args...)}
	}
	switch kind, body := b[0], b[1:]; kind {
	case typeBinary:
		return Binary(bytes.Clone(body)), nil
	case typeBool:
		if len(body) > 1 || len(body) == 1 && body[0] != 1 {
			return fail("bool is neither empty nor one byte 01")
		}
		return Bool(len(body) == 1), nil
	case typeFD:
		if len(body) != 4 {
			return fail("descriptor number of %d bytes instead of 4", len(body))
		}
		return FD(binary.BigEndian.Uint32(body)), nil
	case typeFloat:
		if len(body) != 8 {
			return fail("float of %d bytes instead of 8", len(body))
		}
		return Float(math.Float64frombits(binary.BigEndian.Uint64(body))), nil
	case typeInt:
		v, ok := decodeInt(body)
		if !ok {
			return fail("integer outside the 64-bit range")
		}
		return v, nil
	case typeTimestamp:
		v, ok := decodeTimestamp(body)
		if !ok {
			return fail("timestamp outside the range of 64-bit seconds")
		}
		return v, nil
	case typeStr:
		text, closed := bytes.CutSuffix(body, []byte{0})
		if !closed {
			return fail("string without the closing zero byte")
		}
		if !utf8.Valid(text) {
			return fail("string is not valid UTF-8")
		}
		return String(text), nil
	case typeSeq, typeMap:
		if depth >= MaxDepth {
			return fail("more than %d nested maps and sequences", MaxDepth)
		}
		parts, err := decodeParts(body, off+1, depth+1)
		if err != nil {
			return nil, err
		}
		if kind == typeSeq {
			return parts, nil
		}
		if len(parts)%2 != 0 {
			return fail("map whose last key has no value")
		}
		return pairs(parts), nil
	default:
		return fail("unknown type %d", kind)
	}
}

// decodeParts decodes the subfields that fill b.
func decodeParts(b []byte, off, depth int) (Seq, error) {
	parts := Seq{}
	for len(b) > 0 {
		size, digits, ok := decodeLength(b)
		if !ok {
			return nil, &DecodeError{Offset: off, Msg: "malformed length"}
		}
		b, off = b[digits:], off+digits
		if size > uint64(len(b)) {
			return nil, &DecodeError{Offset: off,
				Msg: fmt.Sprintf("length %d reaches past the end, %d bytes away", size, len(b))}
		}
		v, err := decodeValue(b[:size], off, depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, v)
		b, off = b[size:], off+int(size)
	}
	return parts, nil
}

func pairs(parts Seq) Map {
	m := make(Map, len(parts)/2)
	for i := range m {
		m[i] = Entry{Key: parts[2*i], Value: parts[2*i+1]}
	}
	return m
}

// decodeLength reads the length of a subfield and the number of its digits.
func decodeLength(b []byte) (n uint64, digits int, ok bool) {
	if len(b) == 0 || b[0] == 0 { // a leading zero digit would be overlong
		return 0, 0, false
	}
	for i, digit := range b {
		if n >= 1<<(64-7) {
			return 0, 0, false
		}
		n = n<<7 | uint64(digit&0x7f)
		if digit >= 0x80 {
			return n, i + 1, true
		}
	}
	return 0, 0, false
}

// decodeSigned reads two's complement of up to 16 bytes as hi·2^64 + lo.
func decodeSigned(b []byte) (hi int64, lo uint64) {
	var full [16]byte
	if len(b) > 0 && b[0] >= 0x80 {
		for i := range full {
			full[i] = 0xff
		}
	}
	copy(full[len(full)-len(b):], b)
	return int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:])
}

// decodeInt takes what argdata_get_int_s or argdata_get_int_u takes: up to 8
// bytes of any sign, or 9 with a leading zero.
func decodeInt(b []byte) (Value, bool) {
	if len(b) > 9 || len(b) == 9 && b[0] != 0 {
		return nil, false
	}
	hi, lo := decodeSigned(b)
	if hi == 0 && lo > math.MaxInt64 {
		return Uint(lo), true
	}
	return Int(lo), true
}

// decodeTimestamp takes what argdata_get_timestamp takes where time_t has 64
// bits: up to 12 bytes whose seconds fit.
func decodeTimestamp(b []byte) (Timestamp, bool) {
	if len(b) > 12 {
		return Timestamp{}, false
	}
	hi, lo := decodeSigned(b)
	negative := hi < 0
	if negative { // divide −n−1, then turn the quotient back: rounds down
		hi, lo = ^hi, ^lo
	}
	if hi >= nsecPerSec {
		return Timestamp{}, false
	}
	sec, nsec := bits.Div64(uint64(hi), lo, nsecPerSec)
	if sec > math.MaxInt64 {
		return Timestamp{}, false
	}
	if negative {
		return Timestamp{Sec: ^int64(sec), Nsec: uint32(nsecPerSec - 1 - nsec)}, true
	}
	return Timestamp{Sec: int64(sec), Nsec: uint32(nsec)}, true
}
