package decode

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

const (
	// longEnv scales the randomised tests: the number of byte sequences each tries.
	longEnv = "CABITRANS_DECODE_N"
	// seedEnv is added to the seed of every test, so that more runs try more.
	seedEnv = "CABITRANS_DECODE_SEED"
)

// sampleSize is how many random sequences a test tries: short unless longEnv asks for more.
func sampleSize(t *testing.T, short int) int {
	s := os.Getenv(longEnv)
	if s == "" {
		return short
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		t.Fatalf("%s is %q: want a positive number of byte sequences", longEnv, s)
	}
	return n
}

// A sampler makes byte sequences that are instructions more often than random bytes are: prefixes, opcode maps, VEX,
// EVEX and XOP payloads with their usual bits, and all forms of ModRM and SIB. The same seed makes the same
// sequences.
type sampler struct {
	*rand.Rand
}

func newSampler(seed uint64) sampler {
	more, _ := strconv.ParseUint(os.Getenv(seedEnv), 10, 64)
	return sampler{rand.New(rand.NewPCG(seed, 1+more))}
}

var samplePrefixes = []byte{0x66, 0x66, 0x67, 0xf2, 0xf3, 0xf3, 0xf2, 0xf0, 0x2e, 0x3e, 0x26, 0x36, 0x64, 0x64, 0x65}

// next appends MaxLen bytes that begin with a likely instruction to b[:0].
func (s sampler) next(b []byte) []byte {
	b = b[:0]
	vector := s.IntN(5)
	if vector >= 2 || s.IntN(4) == 0 {
		for s.IntN(3) == 0 && len(b) < 6 {
			b = append(b, samplePrefixes[s.IntN(len(samplePrefixes))])
			if s.IntN(12) == 0 {
				b = append(b, 0x40|s.byte()&15)
			}
		}
		if vector >= 2 && s.IntN(3) == 0 {
			b = append(b, 0x40|s.byte()&15)
		}
	} else if s.IntN(8) == 0 {
		b = append(b, []byte{0x64, 0x65, 0x67, 0x2e}[s.IntN(4)])
	}
	switch vector {
	case 0:
		b = s.evex(b)
	case 1:
		b = s.vex(b)
	case 2:
		b = append(b, s.byte())
	case 3:
		b = append(b, 0x0f, s.byte())
	case 4:
		b = append(b, 0x0f, 0x38|s.byte()&2, s.byte())
	}
	b = append(b, s.byte(), s.byte())
	for len(b) < MaxLen {
		b = append(b, s.byte())
	}
	return b[:MaxLen]
}

func (s sampler) byte() byte { return byte(s.Uint32()) }

func (s sampler) vex(b []byte) []byte {
	vvvv := s.byte() & 0x78
	if s.IntN(3) == 0 {
		vvvv = 0x78
	}
	p := vvvv | s.byte()&7
	switch s.IntN(5) {
	case 0, 1:
		return append(b, 0xc5, p|s.byte()&0x80, s.byte())
	case 2:
		p &= 0x7c
		return append(b, 0x8f, s.byte()&0xe0|byte(8+s.IntN(3)), p|s.byte()&0x80, s.byte())
	}
	m := byte(1 + s.IntN(3))
	if s.IntN(16) == 0 {
		m = s.byte() & 31
	}
	return append(b, 0xc4, s.byte()&0xe0|m, p|s.byte()&0x80, s.byte())
}

func (s sampler) evex(b []byte) []byte {
	maps := [...]byte{1, 1, 2, 2, 2, 3, 5, 6}
	p0 := s.byte()&0xf0 | maps[s.IntN(len(maps))]
	p1 := s.byte() | 4
	p2 := s.byte()
	if s.IntN(2) == 0 {
		p1 |= 0x78
		p2 |= 8
	}
	if s.IntN(2) == 0 {
		p2 &= 0x6f // neither zeroing nor broadcast
	}
	if s.IntN(16) == 0 {
		p0, p1 = s.byte(), s.byte()
	}
	return append(b, 0x62, p0, p1, p2, s.byte())
}
