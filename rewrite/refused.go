package rewrite

import "cabitrans/decode"

// namesTLS reports a load or store of %fs or %gs, whose bases are not the guest's on
// the host. Those of the other segment registers are copied: they hold nothing that
// anybody else uses, and the CPU says which selectors a process may load.
func namesTLS(in *decode.Inst) bool {
	if in.OpMap == 1 { // push, pop, lfs, lgs; not lss
		return in.Opcode != 0xb2
	}
	return in.Reg3() == 4 || in.Reg3() == 5 // mov
}

// privileged is what a privileged instruction raises outside of the kernel: #GP for
// what every CPU has, #UD for what belongs to features that a guest does not have, such
// as virtualisation, enclaves and shadow stacks of the kernel's.
func privileged(in *decode.Inst) TrapKind {
	if in.Enc != decode.EncLegacy {
		return TrapInvalid
	}
	switch op := in.Opcode; {
	case in.OpMap == 0: // hlt, cli, sti
		return TrapProtection
	case in.OpMap == 2:
		if op == 0x82 { // invpcid
			return TrapProtection
		}
	case in.OpMap == 3:
	case op == 0x00: // lldt, ltr; lkgs
		if in.Reg3() != 6 {
			return TrapProtection
		}
	case op == 0x01:
		if in.HasMem && in.Prefixes&decode.PrefixRep == 0 || in.Reg3() == 6 { // lgdt, lidt, invlpg, lmsw
			return TrapProtection
		}
		if in.ModRM == 0xd1 || in.ModRM == 0xf8 { // xsetbv, swapgs
			return TrapProtection
		}
	case op == 0xc7: // xsaves, xrstors; VMX
		if in.Reg3() == 3 || in.Reg3() == 5 {
			return TrapProtection
		}
	case op == 0xaa, op == 0x78, op == 0x79, op == 0xae: // rsm, vmread, vmwrite, clrssbsy
	case op == 0x20 || op == 0x22: // control registers: there are 0, 2, 3, 4 and 8
		switch in.Reg() {
		case 0, 2, 3, 4, 8:
			return TrapProtection
		}
	case op == 0x21 || op == 0x23: // debug registers
		if in.Reg() < 8 {
			return TrapProtection
		}
	default: // clts, invd, wbinvd, wrmsr, rdmsr, sysret, sysexit
		return TrapProtection
	}
	return TrapInvalid
}

// refused is what becomes of an instruction that must not run on the host, nor be
// emulated.
func refused(in *decode.Inst) TrapKind {
	if in.OpMap == 1 && in.Opcode == 0x01 && in.ModRM == 0xef && in.Enc == decode.EncLegacy {
		// wrpkru: the keys are the host's, and the emulator's memory has them too.
		return TrapUnsupported
	}
	return TrapInvalid // vmcall, vmfunc, enclu, getsec, user interrupts, user MSRs, llwpcb: no guest has the feature
}
