package engine

import (
	"encoding/binary"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// Instructions that are emulated access memory as the CPU would: 2, 4 and 8 aligned
// bytes at once, and a fault names the first byte that cannot be accessed.

// load reads size bytes, 8 at most, at a linear address, zero-extended.
func (t *Thread) load(addr, size uint64) (uint64, *Fault) {
	var b [8]byte
	switch {
	case size == 8 && addr%8 == 0:
		if v, err := host.Load64(addr); err == nil {
			return v, nil
		}
	case size == 4 && addr%4 == 0:
		if v, err := host.Load32(addr); err == nil {
			return uint64(v), nil
		}
	}
	n, err := host.CopyIn(b[:size], addr)
	if err != nil {
		return 0, t.accessFault(addr+uint64(n), false)
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// store writes the low size bytes, 8 at most, of v at a linear address.
func (t *Thread) store(addr, size, v uint64) *Fault {
	switch {
	case size == 8 && addr%8 == 0:
		if host.Store64(addr, v) == nil {
			return nil
		}
	case size == 4 && addr%4 == 0:
		if host.Store32(addr, uint32(v)) == nil {
			return nil
		}
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	// A page that holds translated code is refused to the host, too.
	n, err := host.CopyOut(addr, b[:size])
	if err == nil || t.engine.mem.CopyOut(addr, b[:size]) == nil {
		return nil
	}
	return t.accessFault(addr+uint64(n), true)
}

// accessFault is the fault of an access to memory: #PF, or #GP for an address that
// is not canonical.
func (t *Thread) accessFault(addr uint64, write bool) *Fault {
	f := t.fault(SigSEGV)
	if canonical(addr) {
		f.Addr, f.HasAddr, f.Write = addr, true, write
	}
	return f
}

func canonical(addr uint64) bool { return int64(addr)<<16>>16 == int64(addr) }

// setReg makes the low size bytes of a general register v; 4 clear the upper half.
func (t *Thread) setReg(r decode.Reg, size uint8, v uint64) {
	p := &t.block.Regs[r]
	switch size {
	case 1:
		*p = *p&^0xff | v&0xff
	case 2:
		*p = *p&^0xffff | v&0xffff
	case 4:
		*p = uint64(uint32(v))
	default:
		*p = v
	}
}
