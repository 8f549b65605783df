package runtime

import (
	"fmt"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
)

// cause says in words why an instruction has faulted that did not fault on an
// access to memory. The CPU reports no more than a class of reasons, so the rest
// is concluded from the instruction and the registers. in is nil when there is no
// valid instruction at rip.
func (p *Process) cause(f *engine.Fault, signal abi.Signal, in *decode.Inst) string {
	switch signal {
	case abi.SIGTRAP:
		return "breakpoint, just before rip"
	case abi.SIGILL:
		return illegal(f, in)
	case abi.SIGFPE:
		return p.arithmetic(f, in)
	case abi.SIGSEGV, abi.SIGBUS:
		return p.protection(f, in)
	}
	return "an exception of the processor"
}

func illegal(f *engine.Fault, in *decode.Inst) string {
	switch {
	case f.Note != "":
		return "an instruction that cannot be run"
	case in == nil:
		return "no valid instruction"
	case in.Flow == decode.FlowUndefined:
		return "a trap in the program, which compilers put where control must never come"
	}
	return "an instruction that this processor lacks or refuses"
}

// arithmetic tells the reasons for #DE apart (AMD64 manual, volume 3, DIV and
// IDIV); what is left are exceptions of floating point.
func (p *Process) arithmetic(f *engine.Fault, in *decode.Inst) string {
	divides := in != nil && in.Enc == decode.EncLegacy && in.OpMap == 0 &&
		(in.Opcode == 0xf6 || in.Opcode == 0xf7) && in.Reg3() >= 6
	if !divides {
		return "a floating-point exception that the program has unmasked"
	}
	if v, ok := p.operand(f, in); ok && v == 0 {
		return "division by zero"
	}
	return "division whose quotient does not fit"
}

// operand is the value of the ModRM operand, OpSize bytes of it.
func (p *Process) operand(f *engine.Fault, in *decode.Inst) (v uint64, ok bool) {
	r := in.RM()
	switch {
	case in.HasMem:
		addr, known := effective(f, in)
		var b [8]byte
		if !known || p.mem.CopyIn(b[:in.OpSize], addr) != nil {
			return 0, false
		}
		for i := range in.OpSize {
			v |= uint64(b[i]) << (8 * i)
		}
		return v, true
	case in.OpSize == 1 && in.HighByte(r):
		return f.Regs[r&3] >> 8 & 0xff, true
	}
	return f.Regs[r] & (1<<(8*in.OpSize) - 1), true
}

// protection tells apart what the CPU reports as #GP, or #SS for an operand on
// the stack (AMD64 manual, volume 2, 8.2.14).
func (p *Process) protection(f *engine.Fault, in *decode.Inst) string {
	const general = "general protection fault"
	if in == nil {
		return general
	}
	if s := p.wildBranch(f, in); s != "" {
		return s
	}
	const forbidden = decode.ClassPrivileged | decode.ClassIO | decode.ClassSegLoad
	switch in.Flow {
	case decode.FlowFar, decode.FlowInt, decode.FlowHalt, decode.FlowSysenter:
		return "an instruction that programs may not use"
	}
	if in.Class&forbidden != 0 {
		return "an instruction that programs may not use"
	}
	addr, known := effective(f, in)
	size := uint64(max(in.VecLen, 16))
	switch {
	case !in.HasMem && in.Class&decode.ClassStackImplicit != 0 && !canonical(f.Regs[decode.RSP]):
		return fmt.Sprintf("access to the stack at %#x, which is not a canonical address", f.Regs[decode.RSP])
	case !known:
	case !canonical(addr):
		return fmt.Sprintf("access at %#x, which is not a canonical address", addr)
	case addr%size != 0 && in.Class&(decode.ClassSSE|decode.ClassVEX|decode.ClassEVEX|decode.ClassState) != 0:
		return fmt.Sprintf("access at %#x, which is not aligned to %d bytes as this instruction needs", addr, size)
	}
	return general
}

// wildBranch says where an indirect branch was to go when that is no address.
func (p *Process) wildBranch(f *engine.Fault, in *decode.Inst) string {
	var verb string
	var target uint64
	known := true
	switch in.Flow {
	case decode.FlowRet:
		var err error
		verb = "return"
		target, err = p.mem.Load64(f.Regs[decode.RSP])
		known = err == nil
	case decode.FlowJumpInd:
		verb = "jump"
		target, known = p.operand(f, in)
	case decode.FlowCallInd:
		verb = "call"
		target, known = p.operand(f, in)
	}
	if verb == "" || !known || canonical(target) {
		return ""
	}
	return fmt.Sprintf("%s to %#x, which is not a canonical address", verb, target)
}

// effective is the address of the ModRM memory operand. It is not known when it
// depends on a segment base or on a vector register.
func effective(f *engine.Fault, in *decode.Inst) (addr uint64, ok bool) {
	if !in.HasMem || in.Seg != decode.SegNone || in.Class&(decode.ClassVSIB|decode.ClassAddrOnly) != 0 {
		return 0, false
	}
	addr = uint64(in.Disp)
	switch {
	case in.Base == decode.RIP:
		addr += in.End()
	case in.Base != decode.NoReg:
		addr += f.Regs[in.Base]
	}
	if in.Index != decode.NoReg {
		addr += f.Regs[in.Index] * uint64(in.Scale)
	}
	if in.AddrSize == 4 {
		addr = uint64(uint32(addr))
	}
	return addr, true
}

// canonical reports whether bits 47 to 63 of addr are the same.
func canonical(addr uint64) bool { return int64(addr)<<16>>16 == int64(addr) }
