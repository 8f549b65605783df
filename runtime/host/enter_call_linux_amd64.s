#include "textflag.h"

// Register contract: ABI0, everything but SP and BP is the caller's. This cannot be Go:
// it holds the instruction a kick must find.

// func interruptible(kick *uint32, trap, a1, a2, a3, a4, a5, a6 uintptr) (r uintptr)
//
// From the first instruction to the one before the SYSCALL a kick moves the
// thread to interruptedCall; from the SYSCALL on the kernel has either done the
// call or answers EINTR itself.
TEXT ·interruptible(SB), NOSPLIT|NOFRAME, $0-72
	MOVQ kick+0(FP), R12
	MOVQ a1+16(FP), DI
	MOVQ a2+24(FP), SI
	MOVQ a3+32(FP), DX
	MOVQ a4+40(FP), R10
	MOVQ a5+48(FP), R8
	MOVQ a6+56(FP), R9
	MOVQ trap+8(FP), AX
	CMPL (R12), $0
	JNE  kicked
	JMP  ·interruptibleCall(SB)
kicked:
	JMP  ·interruptedCall(SB)

// Begins at the SYSCALL, so that the signal handler can name the instruction.
TEXT ·interruptibleCall(SB), NOSPLIT|NOFRAME, $0-72
	SYSCALL
	MOVQ AX, r+64(FP)
	RET

TEXT ·interruptedCall(SB), NOSPLIT|NOFRAME, $0-72
	MOVQ $-4, r+64(FP)
	RET
