// Package rewrite turns guest instructions into host instructions.
//
// In a nutshell: most instructions are copied. The exceptions are few: operands
// that name %fs or %gs, RIP-relative operands, control transfers, system calls
// and what may never run untranslated. A Rewriter is handed one decoded
// instruction after the other and appends host code to a hot and a cold
// codegen.Buffer; what it cannot know, the host address of a branch target, it
// reports as a Ref for its caller to resolve.
//
// # How %fs is reached
//
// The host has another use for %fs, or the same: a strategy (TLS) says where each
// thread has the guest's %fs word, and words of the translator's own, its cells. Both
// are reached off %gs, without a register:
//
//	strategy   %gs base              %fs:0        other operands in %fs   cells
//	gs         the guest's %fs word  %gs:0        %gs: the prefix only    fields of the thread block
//	teb        Windows' TEB          %gs:slot     base in a register      TLS slots
//	pthread    macOS's values        %gs:8*key    base in a register      keys
//	indirect   words of the cells    base in a register                   words
//	swap-*     the guest's %fs word  copied: %fs is the guest's           fields of the thread block
//
// With gs any instruction form is right by construction, and costs nothing. Where %gs
// names other things of the host as well (slots), only an absolute operand keeps its
// length; every other is addressed through a borrowed register that holds base plus
// offset (moving.go), as are all once a guest has moved a base (Options.MovingBase).
// That does for every form: the vector index of a gather stays beside the register; an
// instruction with an implicit address, such as maskmov, has that register changed for
// as long as it runs; the target of an indirect branch goes to Spill[3] first, from
// where it is taken twice. The runtime emulates string instructions and xlat, whose
// registers change or add up, and gathers and scatters with 32-bit addresses, which
// are cut before the base is added.
//
// Cells that are not the thread block's fields are copied by the stubs of package
// codegen: to the block on the way out, and from it what must be there on the way in.
//
// A strategy is a file tls_*.go and a line of Strategies. What it makes of every class
// of instruction is a golden file each, on any machine; Linux, where the %gs base is
// the program's to choose, executes those for other systems, too, with a thread block
// that looks like theirs. On those systems the guest's word is 8 bytes among the
// host's, so the first TCB must lie elsewhere than behind it.
//
// A guest's own %gs base is 0, as for every CloudABI process: the prefix is
// neutralised. Once a guest has set another (Options.MovingGS), operands in %gs are
// treated like those in a moved %fs, with a cell of their own. No %gs operand of the
// guest ever reaches the thread block.
//
// # What may not run on the host
//
// Privileged instructions become the fault that the CPU raises (refused.go). Far
// transfers, near ones of 16 bits, and whatever names the selectors or bases of %fs and
// %gs are emulated by the runtime. Loads of the other segment registers are copied:
// nobody else uses them, and the CPU says which selectors a process may load.
//
// # Control transfers
//
//	jmp rel      jmp rel32 or rel8             linked, or elided by layout
//	jcc rel      jcc rel32 or rel8
//	call rel     push $guest; call rel32       the callee drops the slot
//	ret          pop %r11; guard; push T(,%r11,8); ret
//	jmp *reg     guard; jmp *T(,%reg,8)
//	jmp *mem     guard; jmp *T(,%r11,8)
//	call *r/m    guard; push $guest; call *C(,%r11,8)
//
// The guest's stack holds the original return address. The hardware call pushes
// a host address into the slot below it, which is dead at a call; the landing of
// a return is right behind the hardware call, so the return predictor is right.
// T and C are look-up tables of host addresses, 8 bytes a guest byte: of landings,
// and of call entries, which drop what the hardware call has pushed. C lies out of
// reach of any index below 2^32 into T, so that a wild jump never finds a call
// entry; a call adds the distance to the index, or takes it as base from the guard
// page. (Before there was C, a call went through a thunk that dropped the slot and
// jumped through T; the second branch made a loop of virtual calls 1.2 to 1.4 times
// slower.)
//
// The guard proves that the target is below 2^32 before the table is indexed:
// beyond, 8*pc would wrap or leave the table. It reads the byte at
// GuardAddr - upper half of the target, an address that is mapped for an upper
// half of zero and for no other: below GuardAddr lies memory that Linux lets
// nobody map, and further down the kernel's half. No flag changes, and a target
// out of range is a fault at a known instruction. A return, where the ABI makes the flags
// dead (AMD64 ABI, 3.2.1), compares instead, unless Options.KeepR11: two instructions for
// three, and half their bytes.
//
// An indirect branch borrows r11, stored to Spill[0] before, but for calls where it is dead
// (DeadR11, unless WithoutDead). A jump leaves it there: the
// landing in the table reloads it, unless the runtime has found that the target replaces
// r11 before it reads it, or does not touch it up to the next indirect jump. In the latter
// case the landing is a copy of that code, during which r11 stays in the slot (Away), and
// the jump at its end need not store it. With a packed table the jump reloads r11 before
// it leaves, through another slot. A return, and an indirect call, leave r11
// undefined unless Options.KeepR11: the ABI makes it dead, and the first
// continuation or callee that is found to read it switches the process to KeepR11
// before it can run. So does a continuation that is found to read the flags.
//
// Options.Strict drops the other thing that the ABI makes dead, too, the bytes below
// rsp at a call or return: calls and returns are then jumps, which the return
// predictor cannot see.
//
// A call may also become a copy of what it calls (leaf.go): push $guest, the copy, and in
// place of the return lea 8(%rsp),%rsp. The copy that indirect calls enter ends with ret $8.
//
// # The source map
//
// For every host instruction there is a Mark: the guest instruction it belongs
// to and how to get from the registers at that point to the exact guest state at
// an instruction boundary (Fix). Marks are in ascending order of host address
// within each buffer.
//
// # What can be left out
//
// Each optimisation that is not the only way to do a thing can be left out (Without), to
// find the one at fault when something goes wrong.
//
// The package imports decode and codegen and must never import the runtime.
package rewrite
