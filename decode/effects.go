package decode

// effects computes the register and flag sets.
func (in *Inst) effects(e *entry) {
	in.FlagsRead, in.FlagsWritten = e.fr, e.fw
	r, w, k := e.impR, e.impW|e.impK, e.impK
	if e.attr&attrKV != 0 && in.OpSize < 4 {
		k = 0
	}
	if in.HasMem {
		r |= in.Base.Bit() | in.Index.Bit()
	}
	if e.op != 0 {
		in.operand(e.op, in.OpReg(), &r, &w, &k)
	}
	if e.attr&attrModRM != 0 {
		if e.rm != 0 && !in.HasMem {
			in.operand(e.rm, in.RM(), &r, &w, &k)
		}
		if e.reg != 0 {
			in.operand(e.reg, in.Reg(), &r, &w, &k)
		}
	}
	if e.vv != 0 {
		in.operand(e.vv, Reg(in.VVVV&15), &r, &w, &k)
	}
	if e.class&ClassStackImplicit != 0 {
		r |= RSP.Bit()
		w |= RSP.Bit()
		k &^= RSP.Bit()
	}
	if e.class&ClassString != 0 {
		if in.Prefixes&(PrefixRep|PrefixRepne) != 0 {
			// A count of zero makes it a no-op: nothing is surely written.
			r |= RCX.Bit()
			w |= RCX.Bit()
			k = 0
			in.FlagsWritten = 0
			r |= w
		}
	}
	if e.attr&(attrShift|attrIdiom|attrNop90) != 0 {
		r, w, k = in.special(e, r, w, k)
	}
	in.Reads, in.Writes, in.Kills = r, w, k&^r
}

// operand adds one register operand.
func (in *Inst) operand(a action, reg Reg, r, w, k *RegSet) {
	full := in.OpSize >= 4
	switch a & widthM {
	case widthB:
		full = false
		if reg >= 4 && reg < 8 && in.Enc == EncLegacy && in.Prefixes&PrefixREX == 0 {
			reg -= 4
		}
	case widthW:
		full = false
	case widthF:
		full = true
	}
	bit := RegSet(1) << (reg & 15)
	if a&actR != 0 {
		*r |= bit
	}
	if a&actW != 0 {
		*w |= bit
		if full {
			*k |= bit
		}
	}
}

// special handles what depends on the values of operands.
func (in *Inst) special(e *entry, r, w, k RegSet) (RegSet, RegSet, RegSet) {
	switch {
	case e.attr&attrNop90 != 0:
		if in.Rex&RexB == 0 {
			r, w, k = 0, 0, 0
			in.Class |= ClassHint
		}
	case e.attr&attrIdiom != 0:
		if !in.HasMem && in.OpSize >= 4 && in.Reg() == in.RM() {
			r, k = 0, w
		}
	case e.attr&attrShift != 0:
		// Flags change only if the count, masked to 5 or 6 bits, is not 0. The count of rcl and rcr is also taken
		// modulo the width plus one, so they are left out.
		mask := int64(31)
		if in.OpSize == 8 {
			mask = 63
		}
		if in.ImmLen == 0 || in.Imm&mask == 0 || in.OpSize < 4 && in.Imm&mask >= int64(in.OpSize)*8 {
			in.FlagsWritten = 0
		}
	}
	return r, w, k
}
