package host

import "encoding/binary"

func cpuid0() (b, d, c uint32)

// CPUVendor is the twelve letters by which the CPU names its maker, "AuthenticAMD" for one; empty where it has none.
func CPUVendor() string {
	b, d, c := cpuid0()
	s := binary.LittleEndian.AppendUint32(nil, b)
	s = binary.LittleEndian.AppendUint32(s, d)
	return string(binary.LittleEndian.AppendUint32(s, c))
}
