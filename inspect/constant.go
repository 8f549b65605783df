package inspect

import "cabitrans/decode"

// A constant follows what rax holds through a straight stretch of code, as far as instructions load it with constants.
// A branch to behind the load is not seen: compilers put number and syscall side by side.
type constant struct {
	known bool
	value uint64

	pushed bool // the instruction before has pushed push
	push   uint64
}

// after takes the effect of an instruction.
func (c *constant) after(in *decode.Inst) {
	pushed, push := c.pushed, c.push
	c.pushed = false
	switch {
	case in.Flow == decode.FlowCond:
		return // what is behind the branch runs if it is not taken
	case in.Flow != decode.FlowNext:
		c.known = false
		return
	case in.Enc == decode.EncLegacy && in.OpMap == 0:
		if c.load(in, pushed, push) {
			return
		}
	}
	if in.Writes.Has(decode.RAX) {
		c.known = false
	}
}

// load reports whether in gave rax a constant, or pushed one.
func (c *constant) load(in *decode.Inst, pushed bool, push uint64) bool {
	wide := in.OpSize == 4 || in.OpSize == 8
	switch op := in.Opcode; {
	case op&^7 == 0xb8 && in.OpReg() == decode.RAX && wide, // mov imm, %rax
		op == 0xc7 && !in.HasMem && in.Reg3() == 0 && in.RM() == decode.RAX && wide:
		c.known, c.value = true, uint64(in.Imm)
		if in.OpSize == 4 {
			c.value = uint64(uint32(in.Imm))
		}
	case (op|2 == 0x33 || op|2 == 0x2b) && !in.HasMem && in.RM() == decode.RAX && in.Reg() == decode.RAX && wide:
		c.known, c.value = true, 0 // xor or sub with itself
	case op|2 == 0x6a: // push imm
		c.pushed, c.push = true, uint64(in.Imm)
	case op&^7 == 0x58 && in.OpReg() == decode.RAX && pushed && in.OpSize == 8: // pop %rax
		c.known, c.value = true, push
	default:
		return false
	}
	return true
}
