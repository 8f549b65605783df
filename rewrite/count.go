package rewrite

import "cabitrans/codegen"

// Count emits an increment of the 8-byte counter that lies disp bytes behind the address in the thread block's
// Fields.Counters, at guest address pc. It changes neither flags nor, once it is through, registers: two are borrowed,
// since an increment that leaves the flags alone is a load, a lea and a store.
//
// Up to the store the state is that before, from then on it is the same with the counter changed; the last UncountLen
// bytes are behind it.
func (r *Rewriter) Count(pc uint64, disp int32) {
	const addr, value = codegen.RAX, codegen.RCX
	b := r.Hot
	r.pc = pc
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[1], addr)
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[2], value)
	r.mark(0, 0)
	if r.Fields.Block != 0 {
		b.LoadGS(addr, r.Fields.Block)
		r.borrowed(addr)
		b.LoadWord(addr, addr, r.Fields.Counters)
	} else {
		b.LoadGS(addr, r.Fields.Counters)
	}
	r.borrowed(addr)
	b.LoadWord(value, addr, disp)
	r.borrowed2(FixReg1|FixReg2, addr, value)
	b.AddLea(value, 1)
	r.borrowed2(FixReg1|FixReg2, addr, value)
	b.StoreWord(addr, disp, value)
	r.borrowed2(FixReg1|FixReg2, addr, value)
	b.LoadGS(value, r.Fields.Spill[2])
	r.borrowed(addr)
	b.LoadGS(addr, r.Fields.Spill[1])
}

// UncountLen is the number of bytes at the end of a Count that are executed when it has counted.
const UncountLen = 2 * 9
