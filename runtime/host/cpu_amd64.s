#include "textflag.h"

// The instruction cannot be had from Go.

// func cpuid0() (b, d, c uint32)
TEXT ·cpuid0(SB), NOSPLIT, $0-12
	XORL AX, AX
	XORL CX, CX
	CPUID
	MOVL BX, b+0(FP)
	MOVL DX, d+4(FP)
	MOVL CX, c+8(FP)
	RET

// func selectors() (cs, ss uint32)
TEXT ·selectors(SB), NOSPLIT, $0-8
	XORL AX, AX
	MOVW CS, AX
	MOVL AX, cs+0(FP)
	MOVW SS, AX
	MOVL AX, ss+4(FP)
	RET

// func lar(sel uint32) (rights uint32, ok uint32)
TEXT ·lar(SB), NOSPLIT, $0-16
	MOVL sel+0(FP), CX
	XORL DX, DX
	XORL AX, AX
	LARL CX, AX
	JNZ  none
	MOVL $1, DX
none:
	MOVL AX, rights+8(FP)
	MOVL DX, ok+12(FP)
	RET
