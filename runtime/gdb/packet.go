package gdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Bytes with a meaning of their own (gdb manual, E.1 Overview).
const (
	beginByte  = '$'
	endByte    = '#'
	escapeByte = '}' // the next byte is xor escapeBit
	repeatByte = '*' // the next byte, less repeatBase, is how often the last one repeats
	escapeBit  = 0x20
	repeatBase = 29
	interrupt  = 0x03
)

// maxPacket bounds the bytes between $ and #, in both directions. It is what
// PacketSize tells debuggers.
const maxPacket = 0x8000

var (
	errChecksum = errors.New("the checksum of a packet is wrong")
	errTooLong  = fmt.Errorf("a packet is longer than %d bytes", maxPacket)
	errRun      = errors.New("a run-length in a packet is none")
)

// readPacket reads the next packet or single byte. What the other side sends outside of
// packets, '+', '-' and the interrupt, comes back as one; other bytes are skipped. After
// errChecksum, errTooLong or errRun reading can go on.
func readPacket(r *bufio.Reader) (body []byte, single byte, err error) {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return nil, 0, err
		}
		switch c {
		case '+', '-', interrupt:
			return nil, c, nil
		case beginByte:
			body, err = readBody(r)
			return body, 0, err
		}
	}
}

// readBody reads a packet behind its $.
func readBody(r *bufio.Reader) ([]byte, error) {
	var raw []byte
	sum := byte(0)
	for {
		c, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == endByte {
			break
		}
		if c == beginByte { // the end of the one before was lost
			raw, sum = raw[:0], 0
			continue
		}
		sum += c
		if len(raw) <= maxPacket {
			raw = append(raw, c)
		}
	}
	var digits [2]byte
	if _, err := io.ReadFull(r, digits[:]); err != nil {
		return nil, err
	}
	want, ok := parseHex(string(digits[:]))
	switch {
	case len(raw) > maxPacket:
		return nil, errTooLong
	case !ok || want != uint64(sum):
		return nil, errChecksum
	}
	return unescape(raw)
}

// unescape undoes escapes and runs.
func unescape(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == escapeByte && i+1 < len(raw):
			i++
			out = append(out, raw[i]^escapeBit)
		case c == repeatByte:
			i++
			if len(out) == 0 || i == len(raw) || raw[i] < ' ' || raw[i] > '~' {
				return nil, errRun
			}
			n := int(raw[i]) - repeatBase
			if len(out)+n > maxPacket {
				return nil, errTooLong
			}
			for range n {
				out = append(out, out[len(out)-1])
			}
		default:
			out = append(out, c)
		}
	}
	return out, nil
}

// appendPacket appends the packet with the given body: escaped, with runs shortened, and
// with its checksum.
func appendPacket(b, body []byte) []byte {
	b = append(b, beginByte)
	start := len(b)
	for i := 0; i < len(body); {
		c := body[i]
		n := 1
		for i+n < len(body) && body[i+n] == c {
			n++
		}
		if special(c) {
			b = append(b, escapeByte, c^escapeBit)
			i++
			continue
		}
		b = append(b, c)
		i++
		for n--; n > 0; {
			k := run(n)
			if k == 0 {
				break
			}
			b = append(b, repeatByte, byte(k+repeatBase))
			i, n = i+k, n-k
		}
	}
	sum := byte(0)
	for _, c := range b[start:] {
		sum += c
	}
	b = append(b, endByte)
	return appendHex(b, []byte{sum})
}

func special(c byte) bool {
	return c == beginByte || c == endByte || c == escapeByte || c == repeatByte
}

// run is how many of n repetitions a run can have: at least 3, at most what a printable
// byte says, and none that makes that byte a special one; 0 when it is not worth it.
func run(n int) int {
	k := min(n, '~'-repeatBase)
	for k >= 3 {
		c := byte(k + repeatBase)
		if !special(c) && c != '+' && c != '-' {
			return k
		}
		k--
	}
	return 0
}
