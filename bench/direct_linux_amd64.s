// The exchange of %fs around untranslated guest code. It cannot be Go: it leaves
// the goroutine's stack, and between the exchanges %fs is not Go's.
//
// Register contract: ABI0, everything but SP and BP is the caller's. The guest's
// side is a C call (System V): rbx, rbp and r12 to r15 survive it, arguments are in
// rdi, rsi, rdx, rcx, r8, r9, the number of the call in eax.

#include "go_asm.h"
#include "funcdata.h"
#include "textflag.h"

#define SYS_arch_prctl 158
#define ARCH_SET_FS 0x1002

// func visitDirect(b *directBlock)
//
// One turn of the loop visits the guest and serves its call. entersyscall must be
// called from a frame that lives until exitsyscall, which serveDirect calls. It has
// the internal ABI: g in R14, X15 zero.
//
// The first visit is a CALL; further ones push the address of the same place and
// jump, so that the CPU's return predictor keeps what the guest has put there.
TEXT ·visitDirect(SB), 0, $24-8
	NO_LOCAL_POINTERS
	MOVQ ·enterScheduler(SB), DX
	MOVQ (TLS), R14
	XORPS X15, X15
	MOVQ (DX), AX
	CALL AX
	MOVQ b+0(FP), DI
	MOVQ BP, directBlock_hostBP(DI)
	CALL ·enterDirect(SB)

	// Every call of the guest comes here, with the address of this instruction in CX.
	MOVQ CX, 16(SP)
	MOVQ b+0(FP), AX
	MOVQ AX, 0(SP)
	CALL ·serveDirect(SB)
	MOVQ 8(SP), AX
	TESTQ AX, AX
	JNE again
	RET

again:
	MOVQ ·enterScheduler(SB), DX
	MOVQ (TLS), R14
	XORPS X15, X15
	MOVQ (DX), AX
	CALL AX
	MOVQ b+0(FP), DI
	MOVQ BP, directBlock_hostBP(DI) // serving may have moved the stack
	MOVQ 16(SP), CX
	PUSHQ CX
	JMP ·enterDirect(SB)

	// Never reached: the assembler follows SP in the order of the text.
	POPQ CX
	RET

// enterDirect gives %fs and the registers to the guest, whose stack begins with
// where to go on. DI is the block; the host's stack begins with where to come back.
TEXT ·enterDirect(SB), NOSPLIT|NOFRAME, $0
	MOVQ SP, directBlock_hostSP(DI)
	MOVQ directBlock_guestFS(DI), SI
	CMPQ directBlock_wrfsbase(DI), $0
	JNE base
	MOVQ DI, R12
	MOVQ $ARCH_SET_FS, DI
	MOVQ $SYS_arch_prctl, AX
	SYSCALL
	MOVQ R12, DI
	JMP exchanged
base:
	BYTE $0xf3; BYTE $0x48; BYTE $0x0f; BYTE $0xae; BYTE $0xd6 // wrfsbase %rsi
exchanged:
	MOVQ directBlock_bx(DI), BX
	MOVQ directBlock_bp(DI), BP
	MOVQ directBlock_r12(DI), R12
	MOVQ directBlock_r13(DI), R13
	MOVQ directBlock_r14(DI), R14
	MOVQ directBlock_r15(DI), R15
	MOVQ directBlock_ax(DI), AX
	MOVQ directBlock_si(DI), SI
	MOVQ directBlock_sp(DI), SP
	MOVQ directBlock_di(DI), DI
	RET

// leaveDirect is where the entries of the vDSO jump. The block's address is in the
// thread control block, which the guest moves but does not change: the word at
// %fs:0 leads to it.
TEXT ·leaveDirect(SB), NOSPLIT|NOFRAME, $0
	BYTE $0x64; BYTE $0x4c; BYTE $0x8b; BYTE $0x1c; BYTE $0x25; LONG $0 // mov %fs:0, %r11
	MOVQ (R11), R11
	MOVQ SP, directBlock_sp(R11)
	MOVQ BX, directBlock_bx(R11)
	MOVQ BP, directBlock_bp(R11)
	MOVQ R12, directBlock_r12(R11)
	MOVQ R13, directBlock_r13(R11)
	MOVQ R14, directBlock_r14(R11)
	MOVQ R15, directBlock_r15(R11)
	MOVL AX, AX
	MOVQ AX, directBlock_ax(R11)
	MOVQ DI, directBlock_di(R11)
	MOVQ SI, directBlock_si(R11)
	MOVQ DX, directBlock_dx(R11)
	MOVQ CX, directBlock_cx(R11)
	MOVQ R8, directBlock_r8(R11)
	MOVQ R9, directBlock_r9(R11)
	MOVQ R11, R12 // a system call destroys r11
	MOVQ directBlock_hostFS(R12), SI
	CMPQ directBlock_wrfsbase(R12), $0
	JNE base
	MOVQ $ARCH_SET_FS, DI
	MOVQ $SYS_arch_prctl, AX
	SYSCALL
	JMP exchanged
base:
	BYTE $0xf3; BYTE $0x48; BYTE $0x0f; BYTE $0xae; BYTE $0xd6 // wrfsbase %rsi
exchanged:
	MOVQ directBlock_hostSP(R12), SP
	MOVQ directBlock_hostBP(R12), BP
	POPQ CX
	JMP CX

// leaveAddress is the address of leaveDirect itself, not of a wrapper.
DATA ·leaveAddress(SB)/8, $·leaveDirect(SB)
GLOBL ·leaveAddress(SB), NOPTR, $8
