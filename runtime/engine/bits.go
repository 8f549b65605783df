package engine

import (
	"math/bits"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// bitString emulates bt, bts, btr and btc of a bit string with 32-bit addresses, whose
// bit number is in a register: it cuts the address that the number leads to before the
// segment's base is added.
func (t *Thread) bitString(in *decode.Inst) *Fault {
	b := t.block
	size := uint64(in.OpSize)
	n := int64(t.register(in.Reg(), in.OpSize)<<(64-8*size)) >> (64 - 8*size)
	unit := int64(8 * size)
	base := t.segment(in)
	addr := base + uint64(uint32(t.address(in)-base+uint64(n>>bits.TrailingZeros64(uint64(unit))*int64(size))))
	n &= unit - 1
	v, f := t.load(addr, size)
	if f != nil {
		return f
	}
	was := v>>n&1 != 0
	switch {
	case in.Opcode == 0xa3: // bt
	case in.Prefixes&decode.PrefixLock != 0:
		was, f = t.lockedBit(in, addr, uint64(n), v)
	default:
		f = t.store(addr, size, changeBit(in, v, 1<<n))
	}
	if f != nil {
		return f
	}
	b.Flags &^= flagCF
	if was {
		b.Flags |= flagCF
	}
	return t.toCode(in.End(), false)
}

// changeBit is what bts, btr or btc makes of v.
func changeBit(in *decode.Inst, v, bit uint64) uint64 {
	switch in.Opcode {
	case 0xab:
		return v | bit
	case 0xb3:
		return v &^ bit
	}
	return v ^ bit
}

// lockedBit changes bit n of the operand at addr, which has been v, and reports what it
// was. Of the operand only the aligned word that holds the bit is exchanged: the CPU
// has the bits beside it as they are, too.
func (t *Thread) lockedBit(in *decode.Inst, addr, n, v uint64) (was bool, f *Fault) {
	word := (addr + n/8) &^ 3
	at := 8*(addr+n/8-word) + n%8
	for {
		old, err := host.Load32(word)
		if err != nil {
			break
		}
		prev, err := host.CompareAndSwap32(word, old, uint32(changeBit(in, uint64(old), 1<<at)))
		if err != nil {
			break
		}
		if prev == old {
			return old>>at&1 != 0, nil
		}
	}
	// A page that holds translated code is refused to the host.
	return v>>n&1 != 0, t.store(addr, uint64(in.OpSize), changeBit(in, v, 1<<n))
}
