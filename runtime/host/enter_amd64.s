//go:build linux || windows

#include "go_asm.h"
#include "funcdata.h"
#include "textflag.h"

// Register contract: ABI0, everything but SP and BP is the caller's; the ABI
// wrapper restores g and X15. This cannot be Go: it calls an address that
// switches the stack.

// func runGuest(t *Thread, b *Block, stub uintptr)
//
// One turn of the loop visits the guest and serves its exit. entersyscall is
// called from here because its caller's frame must stay live until exitsyscall. Both, and
// serve, have the internal ABI: g in R14, X15 zero, as every exit stub and every Go function
// leave them; serve is a closure, with its context in DX and the result in AX.
//
// A stub finds the return address on top of the stack, records SP in the thread
// block, and comes back by a jump to that address with SP, BP and g as they were.
// The first visit gets that address from a CALL; further ones push it
// and jump, since a CALL would leave an entry in the return predictor on top of
// the guest's own.
TEXT ·runGuest(SB), 0, $24-24
	NO_LOCAL_POINTERS
	MOVQ (TLS), R14
	XORPS X15, X15
	MOVQ b+8(FP), DI
	MOVQ R14, Block_HostG(DI) // the goroutine stays on its thread
	MOVQ ·enterScheduler(SB), DX
	MOVQ (DX), AX
	CALL AX
	MOVQ b+8(FP), DI
	MOVQ stub+16(FP), AX
	MOVQ BP, Block_HostBP(DI)
	CALL AX

	// Every exit comes here, with the address of this instruction in CX.
	MOVQ CX, 16(SP)
	MOVQ ·leaveScheduler(SB), DX
	MOVQ (DX), AX
	CALL AX
	MOVQ t+0(FP), AX
	MOVQ Thread_serve(AX), DX
	MOVQ (DX), CX
	CALL CX
	TESTQ AX, AX
	JNE again
	RET

again:
	MOVQ AX, stub+16(FP)
	MOVQ ·enterScheduler(SB), DX
	MOVQ (DX), AX
	CALL AX
	MOVQ b+8(FP), DI
	MOVQ stub+16(FP), AX
	MOVQ BP, Block_HostBP(DI) // serving may have moved the stack
	MOVQ 16(SP), CX
	PUSHQ CX
	JMP AX

	// Never reached. The assembler follows SP in the order of the text, and the
	// call of morestack that it appends here belongs to the prologue: without the
	// POPQ the tables would have SP wrong there, and Go would lose its way on the
	// stack when it grows or is preempted in the prologue.
	POPQ CX
	RET

// func cpuidXSave() uint32
TEXT ·cpuidXSave(SB), NOSPLIT, $0-4
	MOVL $0xd, AX
	XORL CX, CX
	CPUID
	MOVL BX, ret+0(FP)
	RET

// func cpuidXFeatures() uint32
TEXT ·cpuidXFeatures(SB), NOSPLIT, $0-4
	MOVL $0xd, AX
	MOVL $1, CX
	CPUID
	MOVL AX, ret+0(FP)
	RET

// func cpuidXState(component uint32) uint32
TEXT ·cpuidXState(SB), NOSPLIT, $0-12
	MOVL $0xd, AX
	MOVL component+0(FP), CX
	CPUID
	MOVL BX, ret+8(FP)
	RET

// func x87Control() uint16
TEXT ·x87Control(SB), NOSPLIT, $0-2
	FSTCW ret+0(FP)
	RET
