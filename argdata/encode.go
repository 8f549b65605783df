package argdata

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// Encode returns the binary form of v. Time and memory grow with the size of the
// result, in which a part that v shares counts as often as it occurs. The
// errors are ErrNotUTF8, ErrNanoseconds, ErrTooDeep and ErrTooLarge.
func Encode(v Value) ([]byte, error) { return Append(nil, v) }

// Append appends the binary form of v to dst, with Encode's errors. After an
// error it returns dst as it was.
func Append(dst []byte, v Value) ([]byte, error) {
	e := encoder{}
	size, err := e.measure(v, 0)
	if err != nil {
		return dst, err
	}
	e.out = slices.Grow(dst, size)
	e.put(v)
	return e.out, nil
}

// An encoder goes over the value twice in the same order, because a length
// comes before what it counts: measure fills sizes, put uses them up.
type encoder struct {
	sizes []int // of maps and sequences, outermost first
	out   []byte
}

// measure returns the encoded size of v, which lies inside depth composites.
func (e *encoder) measure(v Value, depth int) (int, error) {
	total, slot := 1, len(e.sizes)
	add := func(part Value) error {
		n, err := e.measure(part, depth+1)
		if err != nil {
			return err
		}
		total += subfieldSize(n)
		if total > MaxSize {
			return ErrTooLarge
		}
		return nil
	}
	switch v := v.(type) {
	case Seq:
		if depth >= MaxDepth {
			return 0, ErrTooDeep
		}
		e.sizes = append(e.sizes, 0)
		for _, part := range v {
			if err := add(part); err != nil {
				return 0, err
			}
		}
	case Map:
		if depth >= MaxDepth {
			return 0, ErrTooDeep
		}
		e.sizes = append(e.sizes, 0)
		for _, pair := range v {
			if err := add(pair.Key); err != nil {
				return 0, err
			}
			if err := add(pair.Value); err != nil {
				return 0, err
			}
		}
	default:
		return scalarSize(v)
	}
	e.sizes[slot] = total
	return total, nil
}

// put appends v, which measure has accepted.
func (e *encoder) put(v Value) {
	switch v := v.(type) {
	case Seq:
		e.sizes = e.sizes[1:]
		e.out = append(e.out, typeSeq)
		for _, part := range v {
			e.putSubfield(part)
		}
	case Map:
		e.sizes = e.sizes[1:]
		e.out = append(e.out, typeMap)
		for _, pair := range v {
			e.putSubfield(pair.Key)
			e.putSubfield(pair.Value)
		}
	default:
		e.out = appendScalar(e.out, v)
	}
}

func (e *encoder) putSubfield(v Value) {
	var size int
	switch v.(type) {
	case Seq, Map:
		size = e.sizes[0]
	default:
		size, _ = scalarSize(v) // measure has seen it succeed
	}
	e.out = appendLength(e.out, size)
	e.put(v)
}

// scalarSize returns the encoded size of a value that holds no others, and
// says whether it has an encoding.
func scalarSize(v Value) (int, error) {
	size := 0
	switch v := v.(type) {
	case String:
		if !utf8.ValidString(string(v)) {
			return 0, ErrNotUTF8
		}
		size = 1 + len(v) + 1
	case Binary:
		size = 1 + len(v)
	case Timestamp:
		if v.Nsec >= nsecPerSec {
			return 0, ErrNanoseconds
		}
		size = len(appendScalar(make([]byte, 0, 16), v))
	default:
		size = len(appendScalar(make([]byte, 0, 16), v))
	}
	if size > MaxSize {
		return 0, ErrTooLarge
	}
	return size, nil
}

func appendScalar(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case nil, Null:
		return dst
	case Bool:
		if v {
			return append(dst, typeBool, 1)
		}
		return append(dst, typeBool)
	case FD:
		return binary.BigEndian.AppendUint32(append(dst, typeFD), uint32(v))
	case Float:
		return binary.BigEndian.AppendUint64(append(dst, typeFloat), math.Float64bits(float64(v)))
	case Int:
		return appendSigned(append(dst, typeInt), int64(v)>>63, uint64(v))
	case Uint:
		return appendSigned(append(dst, typeInt), 0, uint64(v))
	case Timestamp:
		hi, lo := v.nanoseconds()
		return appendSigned(append(dst, typeTimestamp), hi, lo)
	case Binary:
		return append(append(dst, typeBinary), v...)
	case String:
		return append(append(append(dst, typeStr), v...), 0)
	default:
		panic(fmt.Sprintf("argdata: %T is not a scalar value", v)) // Value is closed
	}
}

// appendSigned appends the 128-bit number hi·2^64 + lo in the fewest bytes that
// keep its sign.
func appendSigned(dst []byte, hi int64, lo uint64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(hi))
	binary.BigEndian.PutUint64(b[8:], lo)
	d := b[:]
	for len(d) >= 2 && (d[0] == 0 && d[1] < 0x80 || d[0] == 0xff && d[1] >= 0x80) {
		d = d[1:]
	}
	if len(d) == 1 && d[0] == 0 {
		d = nil
	}
	return append(dst, d...)
}

const nsecPerSec = 1_000_000_000

// nanoseconds returns the time since 1970 as hi·2^64 + lo.
func (t Timestamp) nanoseconds() (hi int64, lo uint64) {
	h, lo := bits.Mul64(uint64(t.Sec), nsecPerSec)
	if t.Sec < 0 { // uint64(t.Sec) is too large by 2^64
		h -= nsecPerSec
	}
	lo, carry := bits.Add64(lo, uint64(t.Nsec), 0)
	return int64(h + carry), lo
}

// subfieldSize returns the size of a subfield that holds n bytes.
func subfieldSize(n int) int { return (max(bits.Len(uint(n)), 1)+6)/7 + n }

// appendLength appends n in digits of 7 bits, the last one marked.
func appendLength(dst []byte, n int) []byte {
	for shift := (max(bits.Len(uint(n)), 1) - 1) / 7 * 7; shift > 0; shift -= 7 {
		dst = append(dst, byte(n>>shift)&0x7f)
	}
	return append(dst, byte(n)&0x7f|0x80)
}
