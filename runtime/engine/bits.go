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
	bit := uint64(1) << (uint64(n) & uint64(unit-1))
	for {
		v, f := t.load(addr, size)
		if f != nil {
			return f
		}
		w := v
		switch in.Opcode {
		case 0xab:
			w |= bit
		case 0xb3:
			w &^= bit
		case 0xbb:
			w ^= bit
		}
		if in.Opcode != 0xa3 {
			done, f := t.exchange(in, addr, size, v, w)
			if f != nil {
				return f
			}
			if !done {
				continue
			}
		}
		b.Flags &^= flagCF
		if v&bit != 0 {
			b.Flags |= flagCF
		}
		return t.toCode(in.End(), false)
	}
}

// exchange writes v in place of old; with LOCK only if old is still there, which is
// certain for 4 aligned bytes.
func (t *Thread) exchange(in *decode.Inst, addr, size, old, v uint64) (done bool, f *Fault) {
	if in.Prefixes&decode.PrefixLock != 0 && size == 4 && addr%4 == 0 {
		prev, err := host.CompareAndSwap32(addr, uint32(old), uint32(v))
		if err == nil {
			return prev == uint32(old), nil
		}
	}
	return true, t.store(addr, size, v)
}
