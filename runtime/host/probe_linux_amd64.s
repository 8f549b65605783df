#include "textflag.h"

// Register contract: ABI0. This cannot be Go: the thread that it starts has no
// stack of its own, no g and no thread-local storage, and so must not run a single
// instruction of compiled code.

#define SYS_rt_sigprocmask 14
#define SYS_clone 56
#define SYS_exit 60
#define SYS_futex 202

// CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_SYSVSEM|CLONE_THREAD, as Go
// starts its own.
#define cloneFlags 0x50f00

#define futexWaitPrivate 128

// func probeThread(word *uint32, val uint32) (r uintptr)
//
// Starts a thread that waits until *word is no longer val, and ends. All signals
// are blocked while it comes into being, and so are in it for good: a handler
// would run on the caller's stack and take it for the caller.
TEXT ·probeThread(SB), NOSPLIT, $16-24
	MOVQ $-1, mask-8(SP)
	MOVQ $2, DI               // SIG_SETMASK
	LEAQ mask-8(SP), SI
	LEAQ old-16(SP), DX
	MOVQ $8, R10
	MOVQ $SYS_rt_sigprocmask, AX
	SYSCALL

	MOVQ word+0(FP), R12
	MOVL val+8(FP), R13
	MOVQ $cloneFlags, DI
	XORL SI, SI               // the caller's stack, which the thread does not use
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVQ $SYS_clone, AX
	SYSCALL
	TESTQ AX, AX
	JEQ  child

	MOVQ AX, r+16(FP)
	MOVQ $2, DI
	LEAQ old-16(SP), SI
	XORL DX, DX
	MOVQ $8, R10
	MOVQ $SYS_rt_sigprocmask, AX
	SYSCALL
	RET

child:
	CMPL (R12), R13
	JNE  done
	MOVQ R12, DI
	MOVQ $futexWaitPrivate, SI
	MOVQ R13, DX
	XORL R10, R10
	MOVQ $SYS_futex, AX
	SYSCALL
	JMP  child

done:
	XORL DI, DI
	MOVQ $SYS_exit, AX
	SYSCALL
	INT  $3 // never reached
