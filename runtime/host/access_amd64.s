//go:build linux || windows

#include "textflag.h"

// Accesses to guest memory that may fault. They cannot be Go: a fault in Go code
// is a Go panic, while a fault between the first byte of copyBytes and the first
// of accessEnd is continued by the fault handler at the routine's fix-up, with
// SP as it was at entry (no routine here moves it) and, for the two string
// routines, CX holding the bytes that are left.
//
// Register contract: ABI0, everything is the caller's.

// func copyBytes(dst, src, n uintptr) (left uintptr)
TEXT ·copyBytes(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	CMPQ CX, $64
	JAE  string
	CMPQ CX, $8
	JB   bytes
words:
	MOVQ (SI), AX
	MOVQ AX, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	SUBQ $8, CX
	CMPQ CX, $8
	JAE  words
bytes:
	TESTQ CX, CX
	JZ   done
byte1:
	MOVB (SI), AX
	MOVB AX, (DI)
	INCQ SI
	INCQ DI
	DECQ CX
	JNZ  byte1
	JMP  done
string:
	REP; MOVSB
done:
	MOVQ CX, left+24(FP)
	RET

// func zeroBytes(dst, n uintptr) (left uintptr)
TEXT ·zeroBytes(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), CX
	XORL AX, AX
	REP; STOSB
	MOVQ CX, left+16(FP)
	RET

// func load32(addr uintptr) (v uint64, ok uint64)
TEXT ·load32(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ addr+0(FP), DI
	MOVL (DI), AX
	MOVQ AX, v+8(FP)
	MOVQ $1, ok+16(FP)
	RET

// func load64(addr uintptr) (v uint64, ok uint64)
TEXT ·load64(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ addr+0(FP), DI
	MOVQ (DI), AX
	MOVQ AX, v+8(FP)
	MOVQ $1, ok+16(FP)
	RET

// func store32(addr uintptr, val uint64) (v uint64, ok uint64)
TEXT ·store32(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ addr+0(FP), DI
	MOVQ val+8(FP), AX
	XCHGL AX, (DI)
	MOVQ AX, v+16(FP)
	MOVQ $1, ok+24(FP)
	RET

// func store64(addr uintptr, val uint64) (v uint64, ok uint64)
TEXT ·store64(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ addr+0(FP), DI
	MOVQ val+8(FP), AX
	XCHGQ AX, (DI)
	MOVQ AX, v+16(FP)
	MOVQ $1, ok+24(FP)
	RET

// func cas32(addr uintptr, old, val uint64) (v uint64, ok uint64)
TEXT ·cas32(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ addr+0(FP), DI
	MOVQ old+8(FP), AX
	MOVQ val+16(FP), DX
	LOCK
	CMPXCHGL DX, (DI)
	MOVL AX, AX
	MOVQ AX, v+24(FP)
	MOVQ $1, ok+32(FP)
	RET

// accessEnd ends the guarded range; it is never called.
TEXT ·accessEnd(SB), NOSPLIT|NOFRAME, $0-0
	UNDEF

// The fix-ups. They run with the frame of the routine that faulted.
TEXT ·fixLeft24(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ CX, left+24(FP)
	RET

TEXT ·fixLeft16(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ CX, left+16(FP)
	RET

TEXT ·fixOK16(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ $0, v+8(FP)
	MOVQ $0, ok+16(FP)
	RET

TEXT ·fixOK24(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ $0, v+16(FP)
	MOVQ $0, ok+24(FP)
	RET

TEXT ·fixOK32(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ $0, v+24(FP)
	MOVQ $0, ok+32(FP)
	RET

// fixEnd ends the range of the fix-ups; it is never called.
TEXT ·fixEnd(SB), NOSPLIT|NOFRAME, $0-0
	UNDEF

// func accessOrder() (inOrder bool)
//
// Whether the linker kept the routines in the order that the handler relies on.
TEXT ·accessOrder(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	LEAQ ·copyBytes(SB), AX
	LEAQ ·zeroBytes(SB), BX
	CMPQ AX, BX
	JAE  no
	LEAQ ·load32(SB), AX
	CMPQ BX, AX
	JAE  no
	LEAQ ·load64(SB), BX
	CMPQ AX, BX
	JAE  no
	LEAQ ·store32(SB), AX
	CMPQ BX, AX
	JAE  no
	LEAQ ·store64(SB), BX
	CMPQ AX, BX
	JAE  no
	LEAQ ·cas32(SB), AX
	CMPQ BX, AX
	JAE  no
	LEAQ ·accessEnd(SB), BX
	CMPQ AX, BX
	JAE  no
	LEAQ ·fixLeft24(SB), AX
	CMPQ BX, AX
	JAE  no
	LEAQ ·fixEnd(SB), BX
	CMPQ AX, BX
	JAE  no
	MOVB $1, ret+0(FP)
no:
	RET
