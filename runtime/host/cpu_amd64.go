package host

import "encoding/binary"

func cpuid0() (b, d, c uint32)
func selectors() (cs, ss uint32)
func lar(sel uint32) (rights uint32, ok uint32)

// CPUVendor is the twelve letters by which the CPU names its maker, "AuthenticAMD" for one; empty where it has none.
func CPUVendor() string {
	b, d, c := cpuid0()
	s := binary.LittleEndian.AppendUint32(nil, b)
	s = binary.LittleEndian.AppendUint32(s, d)
	return string(binary.LittleEndian.AppendUint32(s, c))
}

// Selectors are those of the code and stack segments of every process.
func Selectors() (cs, ss uint16) {
	c, s := selectors()
	return uint16(c), uint16(s)
}

// SegmentRights is what the CPU says of the segment that a selector names, in the bits of the descriptor's upper word
// (AMD64 manual, volume 2, 4.8); false if a process may not know.
func SegmentRights(sel uint16) (rights uint32, ok bool) {
	r, k := lar(uint32(sel))
	return r, k != 0
}
