// The call of native guest code. It cannot be Go: it leaves the goroutine's stack
// for one that is large enough for C code.
//
// Register contract (System V): rdi is the argument, rax the result; rbx, rbp and
// r12 to r15 survive the callee. Go's assembly ABI wants only rsp and rbp back.

#include "textflag.h"

// func callOn(fn, stack, n uintptr) uint64
TEXT ·callOn(SB), NOSPLIT, $0-32
	MOVQ fn+0(FP), AX
	MOVQ stack+8(FP), BX
	MOVQ n+16(FP), DI
	MOVQ SP, R12
	MOVQ BX, SP // 16-byte aligned, as before a call
	CALL AX
	MOVQ R12, SP
	MOVQ AX, ret+24(FP)
	RET
