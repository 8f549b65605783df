package ehframe

import (
	"bytes"
	"encoding/binary"
)

// Pointer encodings (Linux Standard Base, core, 10.5.1): the lower half is the size, the upper what it counts from.
const (
	encAbsPtr = 0x00 // 8 bytes
	encUData2 = 0x02
	encUData4 = 0x03
	encUData8 = 0x04
	encSData2 = 0x0a
	encSData4 = 0x0b
	encSData8 = 0x0c

	encPCRel = 0x10 // from its own address
	encTable = 0x30 // from the beginning of .eh_frame_hdr
	encOmit  = 0xff
)

// An FDE, frame description entry, says how to unwind the code from Lo up to Hi.
type FDE struct {
	Lo, Hi uint64

	cie     cie
	program []byte // call frame instructions of this entry
}

// A cie, common information entry, is what many FDEs share.
type cie struct {
	codeAlign uint64
	dataAlign int64
	ra        uint64 // the column that stands for the return address
	encoding  byte   // of addresses in FDEs
	augmented bool   // FDEs have augmentation data
	program   []byte
}

// maxEntry bounds the length of an entry in bytes: that of the largest known function is a tenth of it.
const maxEntry = 1 << 20

// record returns the bytes of the entry at addr, behind its length.
func (t *Table) record(addr uint64) ([]byte, bool) {
	b := t.at(addr, 4)
	if b == nil {
		return nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n < 4 || n > maxEntry { // the end, or the 64-bit form, which linkers write for no executable
		return nil, false
	}
	b = t.at(addr+4, n)
	return b, b != nil
}

// entry reads the FDE at addr.
func (t *Table) entry(addr uint64) (f FDE, ok bool) {
	b, ok := t.record(addr)
	if !ok {
		return f, false
	}
	back := uint64(binary.LittleEndian.Uint32(b))
	if back == 0 { // it is a CIE
		return f, false
	}
	if f.cie, ok = t.common(addr + 4 - back); !ok {
		return f, false
	}
	c := cursor{b: b, pos: 4}
	at := addr + 4
	f.Lo = c.pointer(f.cie.encoding, at)
	f.Hi = f.Lo + c.pointer(f.cie.encoding&0x0f, at)
	if f.cie.augmented {
		c.skip(c.uleb())
	}
	f.program = c.rest()
	return f, !c.bad && f.Hi >= f.Lo
}

// common reads the CIE at addr.
func (t *Table) common(addr uint64) (e cie, ok bool) {
	b, ok := t.record(addr)
	if !ok || binary.LittleEndian.Uint32(b) != 0 {
		return e, false
	}
	c := cursor{b: b, pos: 4}
	version := c.byte()
	augmentation := c.text()
	if version == 4 {
		if address, segment := c.byte(), c.byte(); address != 8 || segment != 0 {
			return e, false
		}
	} else if version != 1 && version != 3 {
		return e, false
	}
	e.codeAlign, e.dataAlign = c.uleb(), c.sleb()
	if version == 1 {
		e.ra = uint64(c.byte())
	} else {
		e.ra = c.uleb()
	}
	e.encoding = encAbsPtr
	if len(augmentation) > 0 {
		if augmentation[0] != 'z' {
			return e, false
		}
		e.augmented = true
		c.augmentation(augmentation[1:], &e, addr+4)
	}
	e.program = c.rest()
	return e, !c.bad
}

// augmentation reads the data that the letters describe; they end with the first unknown
// one, as their length is known.
func (c *cursor) augmentation(letters []byte, e *cie, at uint64) {
	n := c.uleb()
	end := c.pos
	for _, l := range letters {
		switch l {
		case 'R':
			e.encoding = c.byte()
			continue
		case 'L':
			c.byte()
			continue
		case 'P':
			c.pointer(c.byte()&0x7f, at)
			continue
		case 'S', 'B':
			continue
		}
		break
	}
	if n > uint64(len(c.b)-end) {
		c.bad = true
		return
	}
	c.pos = end + int(n)
}

// A cursor reads an entry. Beyond its end everything is 0, and bad is set.
type cursor struct {
	b   []byte
	pos int
	bad bool
}

func (c *cursor) more() bool { return !c.bad && c.pos < len(c.b) }

func (c *cursor) rest() []byte {
	if c.bad {
		return nil
	}
	return c.b[c.pos:]
}

func (c *cursor) skip(n uint64) {
	if n > uint64(len(c.b)-c.pos) {
		c.bad, c.pos = true, len(c.b)
		return
	}
	c.pos += int(n)
}

func (c *cursor) byte() byte {
	if c.pos >= len(c.b) {
		c.bad = true
		return 0
	}
	c.pos++
	return c.b[c.pos-1]
}

// uint reads n bytes.
func (c *cursor) uint(n int) (v uint64) {
	for i := range n {
		v |= uint64(c.byte()) << (8 * i)
	}
	return v
}

func (c *cursor) int(n int) int64 {
	return int64(c.uint(n)) << (64 - 8*n) >> (64 - 8*n)
}

// text reads up to a zero byte.
func (c *cursor) text() []byte {
	n := bytes.IndexByte(c.b[c.pos:], 0)
	if n < 0 {
		c.bad = true
		return nil
	}
	s := c.b[c.pos:][:n]
	c.pos += n + 1
	return s
}

func (c *cursor) uleb() (v uint64) {
	for shift := 0; ; shift += 7 {
		x := c.byte()
		if shift < 64 {
			v |= uint64(x&0x7f) << shift
		}
		if x&0x80 == 0 {
			return v
		}
	}
}

func (c *cursor) sleb() (v int64) {
	for shift := 0; ; {
		x := c.byte()
		if shift < 64 {
			v |= int64(x&0x7f) << shift
		}
		shift += 7
		if x&0x80 == 0 {
			if shift < 64 && x&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
}

// pointer reads an address of an encoding; at is the address of the entry's first byte.
func (c *cursor) pointer(encoding byte, at uint64) (v uint64) {
	base := uint64(0)
	switch encoding & 0x70 {
	case 0:
	case encPCRel:
		base = at + uint64(c.pos)
	default:
		c.bad = true
	}
	switch encoding & 0x0f {
	case encAbsPtr, encUData8, encSData8:
		v = c.uint(8)
	case encUData2:
		v = c.uint(2)
	case encSData2:
		v = uint64(c.int(2))
	case encUData4:
		v = c.uint(4)
	case encSData4:
		v = uint64(c.int(4))
	default:
		c.bad = true
	}
	if encoding == encOmit || encoding&0x80 != 0 { // indirect
		c.bad = true
	}
	return base + v
}
