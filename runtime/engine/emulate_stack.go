package engine

import "cabitrans/decode"

// loadIn is load of an operand that may be in the stack segment, where an address that
// is not canonical is #SS instead of #GP.
func (t *Thread) loadIn(addr, n uint64, stack bool) (uint64, *Fault) {
	if f := t.outside(addr, n, stack); f != nil {
		return 0, f
	}
	return t.load(addr, n)
}

// storeIn is store, likewise.
func (t *Thread) storeIn(addr, v, n uint64, stack bool) *Fault {
	if f := t.outside(addr, n, stack); f != nil {
		return f
	}
	return t.store(addr, n, v)
}

// outside is the fault of an access outside of the 48-bit address space.
func (t *Thread) outside(addr, n uint64, stack bool) *Fault {
	switch {
	case canonical(addr) && canonical(addr+n-1):
		return nil
	case stack:
		return t.fault(SigBUS)
	}
	return t.fault(SigSEGV)
}

// inStack reports whether the operand of in is in the stack segment.
func inStack(in *decode.Inst) bool {
	return in.Seg == decode.SegNone && (in.Base == decode.RSP || in.Base == decode.RBP)
}

// register returns the value of a general register, of size bytes.
func (t *Thread) register(r decode.Reg, size uint8) uint64 {
	return t.block.Regs[r] & sizeMask(size)
}

func sizeMask(size uint8) uint64 { return 1<<(8*size&63) - 1 | -uint64(size>>3) }

// pop and push move a word of size bytes.
func (t *Thread) pop(size uint8) (uint64, *Fault) {
	sp := &t.block.Regs[decode.RSP]
	v, f := t.loadIn(*sp, uint64(size), true)
	if f == nil {
		*sp += uint64(size)
	}
	return v, f
}

func (t *Thread) push(v uint64, size uint8) *Fault {
	sp := &t.block.Regs[decode.RSP]
	f := t.storeIn(*sp-uint64(size), v, uint64(size), true)
	if f == nil {
		*sp -= uint64(size)
	}
	return f
}
