#include "go_asm.h"
#include "textflag.h"

// The vectored handlers. They cannot be Go: an exception in the guest arrives while the
// stack pointer is the guest's and Go's own handler would take the guest's program
// counter for a Go bug. ntdll calls them, on the stack where the exception happened, by
// Windows' C convention: the argument is in CX, the result in AX; AX, CX, DX and R8 to
// R11 may be used.

// Offsets into EXCEPTION_RECORD and CONTEXT (winnt.h).
#define er_code   0
#define er_params 24
#define er_info0  32
#define er_info1  40
#define ctx_flags  0x30
#define ctx_eflags 0x44
#define ctx_rax    0x78
#define ctx_rcx    0x80
#define ctx_rdx    0x88
#define ctx_rbx    0x90
#define ctx_rsp    0x98
#define ctx_rbp    0xa0
#define ctx_rsi    0xa8
#define ctx_rdi    0xb0
#define ctx_r8     0xb8
#define ctx_r9     0xc0
#define ctx_r10    0xc8
#define ctx_r11    0xd0
#define ctx_r12    0xd8
#define ctx_r13    0xe0
#define ctx_r14    0xe8
#define ctx_r15    0xf0
#define ctx_rip    0xf8

#define CONTEXT_CONTROL_INTEGER 0x100003

#define EXCEPTION_GUARD_PAGE       0x80000001
#define EXCEPTION_ACCESS_VIOLATION 0xc0000005
#define EXCEPTION_IN_PAGE_ERROR    0xc0000006

// LEAVE_GUEST copies the registers in the CONTEXT at R9 to the Block at DX and makes
// the thread continue at the fault stub, with flags that Go can run under. Clobbers R10.
#define LEAVE_GUEST \
	MOVQ ctx_rax(R9), R10; MOVQ R10, (Block_Regs+0)(DX) \
	MOVQ ctx_rcx(R9), R10; MOVQ R10, (Block_Regs+8)(DX) \
	MOVQ ctx_rdx(R9), R10; MOVQ R10, (Block_Regs+16)(DX) \
	MOVQ ctx_rbx(R9), R10; MOVQ R10, (Block_Regs+24)(DX) \
	MOVQ ctx_rsp(R9), R10; MOVQ R10, (Block_Regs+32)(DX) \
	MOVQ ctx_rbp(R9), R10; MOVQ R10, (Block_Regs+40)(DX) \
	MOVQ ctx_rsi(R9), R10; MOVQ R10, (Block_Regs+48)(DX) \
	MOVQ ctx_rdi(R9), R10; MOVQ R10, (Block_Regs+56)(DX) \
	MOVQ ctx_r8(R9), R10;  MOVQ R10, (Block_Regs+64)(DX) \
	MOVQ ctx_r9(R9), R10;  MOVQ R10, (Block_Regs+72)(DX) \
	MOVQ ctx_r10(R9), R10; MOVQ R10, (Block_Regs+80)(DX) \
	MOVQ ctx_r11(R9), R10; MOVQ R10, (Block_Regs+88)(DX) \
	MOVQ ctx_r12(R9), R10; MOVQ R10, (Block_Regs+96)(DX) \
	MOVQ ctx_r13(R9), R10; MOVQ R10, (Block_Regs+104)(DX) \
	MOVQ ctx_r14(R9), R10; MOVQ R10, (Block_Regs+112)(DX) \
	MOVQ ctx_r15(R9), R10; MOVQ R10, (Block_Regs+120)(DX) \
	MOVQ ctx_rip(R9), R10; MOVQ R10, Block_HostPC(DX) \
	MOVL ctx_eflags(R9), R10; MOVQ R10, Block_Flags(DX) \
	ANDL $~0x54500, R10 \
	MOVL R10, ctx_eflags(R9) \
	MOVQ ·stubFaultExit(SB), R10 \
	MOVQ R10, ctx_rip(R9)

// exceptionHandler receives every exception of the process first. Four cases: the store of the
// clock that a stub has read; one of the access routines; guest mode (decided by the thread block, never by the program
// counter: a wild jump is anywhere); anything else is Go's. A thread in guest mode that
// is about to leave was sent there by a kick, which found it when its exception had
// happened and had not been reported yet: the instruction will be executed once more.
TEXT ·exceptionHandler(SB), NOSPLIT|NOFRAME, $0
	MOVQ 0(CX), R8 // EXCEPTION_RECORD
	MOVQ 8(CX), R9 // CONTEXT
	MOVL er_code(R8), AX
	MOVQ ctx_rip(R9), R10
	CMPQ R10, ·stubClockStore(SB)
	JNE  notstore
	TESTQ R10, R10 // no such stub, and a guest that jumps to 0
	JZ   notstore
	MOVQ ·stubClockRedo(SB), R10
	MOVQ R10, ctx_rip(R9)
	MOVL $-1, AX
	RET

notstore:
	LEAQ ·copyBytes(SB), R11
	CMPQ R10, R11
	JB   notaccess
	LEAQ ·accessEnd(SB), R11
	CMPQ R10, R11
	JAE  notaccess
	CMPL AX, $EXCEPTION_ACCESS_VIOLATION
	JEQ  access
	CMPL AX, $EXCEPTION_IN_PAGE_ERROR
	JEQ  access
	CMPL AX, $EXCEPTION_GUARD_PAGE
	JNE  notaccess
access:
	LEAQ ·zeroBytes(SB), R11
	LEAQ ·fixLeft24(SB), DX
	CMPQ R10, R11
	JB   fix
	LEAQ ·load32(SB), R11
	LEAQ ·fixLeft16(SB), DX
	CMPQ R10, R11
	JB   fix
	LEAQ ·store32(SB), R11
	LEAQ ·fixOK16(SB), DX
	CMPQ R10, R11
	JB   fix
	LEAQ ·cas32(SB), R11
	LEAQ ·fixOK24(SB), DX
	CMPQ R10, R11
	JB   fix
	LEAQ ·fixOK32(SB), DX
fix:
	MOVQ DX, ctx_rip(R9)
	MOVL $-1, AX // EXCEPTION_CONTINUE_EXECUTION
	RET

notaccess:
	MOVQ ·blockCell(SB), R11
	TESTQ R11, R11
	JZ   search
	MOVQ 0x30(GS), DX
	MOVQ (DX)(R11*1), DX
	TESTQ DX, DX
	JZ   search
	ADDQ $const_BlockOffset, DX
	CMPL Block_State(DX), $const_StateGuest
	JNE  search
	CMPQ R10, ·stubFaultExit(SB)
	JEQ  kicked
	CMPQ R10, ·stubAbort(SB)
	JEQ  kicked
	MOVL AX, Block_FaultCode(DX)
	MOVQ $0, Block_FaultError(DX)
	MOVQ $-1, Block_FaultAddr(DX)
	CMPL er_params(R8), $2
	JB   leave
	MOVQ er_info0(R8), R10
	MOVQ R10, Block_FaultError(DX)
	MOVQ er_info1(R8), R10
	MOVQ R10, Block_FaultAddr(DX)
leave:
	LEAVE_GUEST
	MOVL $const_ExitFault, Block_Exit(DX)
kicked:
	MOVL $-1, AX
	RET

search:
	XORL AX, AX // EXCEPTION_CONTINUE_SEARCH
	RET

// continueHandler ends the search for continue handlers when exceptionHandler has
// dealt with the exception: where it has sent the thread says so.
TEXT ·continueHandler(SB), NOSPLIT|NOFRAME, $0
	MOVQ 8(CX), R9
	MOVQ ctx_rip(R9), R10
	MOVL $-1, AX
	CMPQ R10, ·stubFaultExit(SB)
	JEQ  ours
	CMPQ R10, ·stubAbort(SB)
	JEQ  ours
	CMPQ R10, ·stubClockRedo(SB)
	JEQ  ours // 0 without such a stub: no exception is continued there
	LEAQ ·fixLeft24(SB), R11
	CMPQ R10, R11
	JB   search
	LEAQ ·fixEnd(SB), R11
	CMPQ R10, R11
	JB   ours
search:
	XORL AX, AX
ours:
	RET

// kickRoutine makes the thread of the kickArgs at CX leave translated code, and sets its
// event: each call of Windows that Go makes waits for a processor of the scheduler's
// behind it, which on a busy machine takes longer than all of this. The caller
// has set Block.Kick, so a kick that finds the thread in an exit stub, or in Go, has
// nothing left to do; nor one that finds it anywhere but in the cache: there it is on
// its way out by an exception, whose handler must not be interrupted.
//
// It is called by Windows' C convention, on the system's stack.
TEXT ·kickRoutine(SB), NOSPLIT|NOFRAME, $0
	PUSHQ BX
	SUBQ $32, SP // the callee's home for four arguments; aligned to 16 now
	MOVQ CX, BX
	MOVQ kickArgs_thread(BX), CX
	MOVQ kickArgs_suspend(BX), AX
	CALL AX
	CMPL AX, $-1
	JEQ  done // it has ended
	MOVQ kickArgs_thread(BX), CX
	MOVQ kickArgs_context(BX), DX
	MOVL $CONTEXT_CONTROL_INTEGER, ctx_flags(DX)
	MOVQ kickArgs_getContext(BX), AX
	CALL AX
	TESTL AX, AX
	JZ   resume
	MOVQ kickArgs_context(BX), R9
	MOVQ kickArgs_block(BX), DX
	CMPL Block_State(DX), $const_StateGuest
	JNE  resume
	CMPL Block_Kick(DX), $0
	JEQ  resume
	MOVQ ctx_rip(R9), R10
	// In the guest again with the clock that a stub has read: not yet.
	CMPQ R10, ·stubClockLo(SB)
	JB   notclock
	CMPQ R10, ·stubClockHi(SB)
	JAE  notclock
	MOVQ ·stubClockRedo(SB), R10
	MOVQ R10, ctx_rip(R9)
	JMP  change
notclock:
	CMPQ R10, ·stubExitLo(SB)
	JB   notexit
	CMPQ R10, ·stubExitHi(SB)
	JB   resume
notexit:
	// In an enter stub the guest's state is still whole in the Block.
	CMPQ R10, ·stubEnterLo(SB)
	JB   notenter
	CMPQ R10, ·stubEnterHi(SB)
	JAE  notenter
	MOVQ ·stubAbort(SB), R10
	MOVQ R10, ctx_rip(R9)
	ANDL $~0x54500, ctx_eflags(R9)
	JMP  change
notenter:
	MOVQ $const_CacheLo, R11
	SUBQ R11, R10
	CMPQ R10, $const_CacheSize
	JAE  resume
	LEAVE_GUEST
	MOVL $const_ExitKick, Block_Exit(DX)
change:
	MOVQ kickArgs_thread(BX), CX
	MOVQ R9, DX
	MOVQ kickArgs_setContext(BX), AX
	CALL AX
resume:
	MOVQ kickArgs_thread(BX), CX
	MOVQ kickArgs_resume(BX), AX
	CALL AX
done:
	MOVQ kickArgs_wake(BX), CX
	MOVQ kickArgs_setEvent(BX), AX
	CALL AX
	ADDQ $32, SP
	POPQ BX
	XORL AX, AX
	RET

// func teb() uint64
TEXT ·teb(SB), NOSPLIT, $0-8
	MOVQ 0x30(GS), AX
	MOVQ AX, ret+0(FP)
	RET

// func cycles() uint64
TEXT ·cycles(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·exceptionHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·exceptionHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·continueHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·continueHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·kickRoutinePC(SB), NOSPLIT, $0-8
	LEAQ ·kickRoutine(SB), AX
	MOVQ AX, ret+0(FP)
	RET
