#include "go_asm.h"
#include "textflag.h"

// The signal handlers. They cannot be Go: a synchronous signal arrives while the
// stack pointer is the guest's and Go's own handler would take the guest's
// program counter for a Go bug. The kernel calls them on Go's alternate signal
// stack by the C convention (DI = signal, SI = siginfo, DX = ucontext); all
// registers may be used, because the return is through rt_sigreturn.

// Offsets into siginfo and ucontext (arch/x86/include/uapi/asm/sigcontext.h).
#define si_code   8
#define si_addr   16
#define uc_r8     40
#define uc_r9     48
#define uc_r10    56
#define uc_r11    64
#define uc_r12    72
#define uc_r13    80
#define uc_r14    88
#define uc_r15    96
#define uc_rdi    104
#define uc_rsi    112
#define uc_rbp    120
#define uc_rbx    128
#define uc_rdx    136
#define uc_rax    144
#define uc_rcx    152
#define uc_rsp    160
#define uc_rip    168
#define uc_eflags 176
#define uc_err    192
#define uc_trapno 200

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
#define SYS_arch_prctl 158

#define SI_TIMER -2 // si_code of a POSIX timer's signal (include/uapi/asm-generic/siginfo.h)

// GO_HANDLERS prepares for Go's handler of the signal whose arguments GET_GS has put
// away: AX is the table of them, by number.
#define GO_HANDLERS \
	MOVQ R12, DI \
	MOVQ R13, SI \
	MOVQ R15, DX \
	LEAQ ·oldHandler(SB), AX

// Leaves the calling thread's %gs base in BX, 0 if it has none. Clobbers AX, CX,
// R11; keeps DI, SI and DX in R12, R13 and R15. RDGSBASE is not an option: not
// every machine lets user space use it.
#define GET_GS \
	MOVQ DI, R12 \
	MOVQ SI, R13 \
	MOVQ DX, R15 \
	SUBQ $16, SP \
	MOVQ $0, 0(SP) \
	MOVL $SYS_arch_prctl, AX \
	MOVL $ARCH_GET_GS, DI \
	MOVQ SP, SI \
	SYSCALL \
	MOVQ 0(SP), BX \
	ADDQ $16, SP

// Copies the interrupted registers to the Block at BX and makes the thread
// continue at the fault stub, with flags that Go can run under. R15 = ucontext.
#define LEAVE_GUEST \
	MOVQ uc_rax(R15), AX; MOVQ AX, (Block_Regs+0)(BX) \
	MOVQ uc_rcx(R15), AX; MOVQ AX, (Block_Regs+8)(BX) \
	MOVQ uc_rdx(R15), AX; MOVQ AX, (Block_Regs+16)(BX) \
	MOVQ uc_rbx(R15), AX; MOVQ AX, (Block_Regs+24)(BX) \
	MOVQ uc_rsp(R15), AX; MOVQ AX, (Block_Regs+32)(BX) \
	MOVQ uc_rbp(R15), AX; MOVQ AX, (Block_Regs+40)(BX) \
	MOVQ uc_rsi(R15), AX; MOVQ AX, (Block_Regs+48)(BX) \
	MOVQ uc_rdi(R15), AX; MOVQ AX, (Block_Regs+56)(BX) \
	MOVQ uc_r8(R15), AX;  MOVQ AX, (Block_Regs+64)(BX) \
	MOVQ uc_r9(R15), AX;  MOVQ AX, (Block_Regs+72)(BX) \
	MOVQ uc_r10(R15), AX; MOVQ AX, (Block_Regs+80)(BX) \
	MOVQ uc_r11(R15), AX; MOVQ AX, (Block_Regs+88)(BX) \
	MOVQ uc_r12(R15), AX; MOVQ AX, (Block_Regs+96)(BX) \
	MOVQ uc_r13(R15), AX; MOVQ AX, (Block_Regs+104)(BX) \
	MOVQ uc_r14(R15), AX; MOVQ AX, (Block_Regs+112)(BX) \
	MOVQ uc_r15(R15), AX; MOVQ AX, (Block_Regs+120)(BX) \
	MOVQ uc_rip(R15), AX; MOVQ AX, Block_HostPC(BX) \
	MOVQ uc_eflags(R15), AX; MOVQ AX, Block_Flags(BX) \
	ANDQ $~0x54500, AX \
	MOVQ AX, uc_eflags(R15) \
	MOVQ ·stubFaultExit(SB), AX \
	MOVQ AX, uc_rip(R15)

// faultHandler receives SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP. Four
// cases: guest mode (decided by the thread block, never by the program counter:
// a wild jump is anywhere); one of the access routines; the store of the clock that a
// stub has read; anything else is Go's.
TEXT ·faultHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ uc_rip(DX), AX
	CMPQ AX, ·stubClockStore(SB)
	JNE  notstore
	TESTQ AX, AX // no such stub, and a guest that jumps to 0
	JZ   notstore
	MOVQ ·stubClockRedo(SB), AX
	MOVQ AX, uc_rip(DX)
	RET

notstore:
	LEAQ ·copyBytes(SB), CX
	CMPQ AX, CX
	JB   notaccess
	LEAQ ·accessEnd(SB), CX
	CMPQ AX, CX
	JAE  notaccess

	// Only a bad address is the guest's doing; memory faults arrive as SIGSEGV
	// (11) or SIGBUS (7).
	CMPL DI, $11
	JEQ  access
	CMPL DI, $7
	JNE  notaccess
access:
	LEAQ ·zeroBytes(SB), CX
	LEAQ ·fixLeft24(SB), BX
	CMPQ AX, CX
	JB   fix
	LEAQ ·load32(SB), CX
	LEAQ ·fixLeft16(SB), BX
	CMPQ AX, CX
	JB   fix
	LEAQ ·store32(SB), CX
	LEAQ ·fixOK16(SB), BX
	CMPQ AX, CX
	JB   fix
	LEAQ ·cas32(SB), CX
	LEAQ ·fixOK24(SB), BX
	CMPQ AX, CX
	JB   fix
	LEAQ ·fixOK32(SB), BX
fix:
	MOVQ BX, uc_rip(DX)
	RET

notaccess:
	GET_GS
	TESTQ BX, BX
	JZ   nothread
	ADDQ ·blockDelta(SB), BX
	CMPL Block_State(BX), $const_StateGuest
	JNE  outside
	CMPL R12, $5
	JNE  leave
	CMPL si_code(R13), $const_TrapPerf
	JNE  leave

	// A watched access by a stub: it goes on, and the thread looks when it is out.
	MOVQ uc_rip(R15), AX
	CMPQ AX, ·stubExitLo(SB)
	JB   notexit
	CMPQ AX, ·stubExitHi(SB)
	JB   watched
notexit:
	CMPQ AX, ·stubEnterLo(SB)
	JB   leave
	CMPQ AX, ·stubEnterHi(SB)
	JB   watched
leave:
	LEAVE_GUEST
	MOVL R12, Block_FaultSignal(BX)
	MOVL si_code(R13), AX
	MOVL AX, Block_FaultCode(BX)
	MOVQ si_addr(R13), AX
	MOVQ AX, Block_FaultAddr(BX)
	MOVQ uc_trapno(R15), AX
	MOVQ AX, Block_FaultTrap(BX)
	MOVQ uc_err(R15), AX
	MOVQ AX, Block_FaultError(BX)
	MOVL $const_ExitFault, Block_Exit(BX)
	RET

outside: // by Go, likewise
	CMPL R12, $5
	JNE  chain
	CMPL si_code(R13), $const_TrapPerf
	JNE  chain
watched:
	MOVQ si_addr(R13), AX
	MOVQ AX, Block_Watched(BX)
	RET

nothread: // it has just ended
	CMPL R12, $5
	JNE  chain
	CMPL si_code(R13), $const_TrapPerf
	JNE  chain
	RET

chain:
	GO_HANDLERS
	JMP  (AX)(DI*8)

// swapHandler receives every other signal that Go handles, once a strategy exchanges
// %fs. In a guest thread Go's handler runs with Go's own %fs, whatever the thread was
// doing: only the signal's return leads back to where another may be needed.
//
// BX, R12 to R15 survive Go's handler, which obeys the C convention.
TEXT ·swapHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	GET_GS
	TESTQ BX, BX
	JZ   chain
	ADDQ ·blockDelta(SB), BX
	CMPQ Block_HostFS(BX), $0
	JEQ  chain
	SUBQ $24, SP // aligned to 16 for the call
	MOVL $SYS_arch_prctl, AX
	MOVL $ARCH_GET_FS, DI
	MOVQ SP, SI
	SYSCALL
	MOVQ 0(SP), R14
	MOVL $SYS_arch_prctl, AX
	MOVL $ARCH_SET_FS, DI
	MOVQ Block_HostFS(BX), SI
	SYSCALL
	GO_HANDLERS
	MOVQ (AX)(DI*8), AX
	CALL AX
	MOVL $SYS_arch_prctl, AX
	MOVL $ARCH_SET_FS, DI
	MOVQ R14, SI
	SYSCALL
	ADDQ $24, SP
	RET

chain:
	GO_HANDLERS
	JMP  (AX)(DI*8)

TEXT ·swapHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·swapHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// kickHandler receives KickSignal. The sender has set Block.Kick, so a kick that
// finds the thread in an exit stub, or in Go, has nothing left to do. A CPUTimer
// cannot: for it the handler does so, which costs nothing but that it must find the
// thread block first.
TEXT ·kickHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CMPL si_code(SI), $SI_TIMER
	JNE  kicked
	GET_GS
	MOVQ R13, SI
	MOVQ R15, DX
	TESTQ BX, BX
	JZ   ignore // the thread has just ended
	ADDQ ·blockDelta(SB), BX
	MOVL $1, Block_Kick(BX)
kicked:
	MOVQ uc_rip(DX), AX
	LEAQ ·interruptible(SB), CX
	CMPQ AX, CX
	JB   notcall
	LEAQ ·interruptibleCall(SB), CX
	CMPQ AX, CX
	JA   notcall
	LEAQ ·interruptedCall(SB), CX
	MOVQ CX, uc_rip(DX)
	RET

notcall:
	GET_GS
	TESTQ BX, BX
	JZ   ignore
	ADDQ ·blockDelta(SB), BX
	CMPL Block_State(BX), $const_StateGuest
	JNE  ignore
	CMPL Block_Kick(BX), $0
	JEQ  ignore
	MOVQ uc_rip(R15), AX

	// In the guest again with the clock that a stub has read: not yet.
	CMPQ AX, ·stubClockLo(SB)
	JB   notclock
	CMPQ AX, ·stubClockHi(SB)
	JAE  notclock
	MOVQ ·stubClockRedo(SB), AX
	MOVQ AX, uc_rip(R15)
	RET
notclock:

	// In an exit stub: on the way out already.
	CMPQ AX, ·stubExitLo(SB)
	JB   notexit
	CMPQ AX, ·stubExitHi(SB)
	JB   ignore
notexit:
	// In an enter stub the guest's state is still whole in the Block.
	CMPQ AX, ·stubEnterLo(SB)
	JB   notenter
	CMPQ AX, ·stubEnterHi(SB)
	JAE  notenter
	MOVQ ·stubAbort(SB), AX
	MOVQ AX, uc_rip(R15)
	MOVQ uc_eflags(R15), AX
	ANDQ $~0x54500, AX
	MOVQ AX, uc_eflags(R15)
	RET
notenter:
	LEAVE_GUEST
	MOVL $const_ExitKick, Block_Exit(BX)
ignore:
	RET

// The addresses that installSignals needs.
TEXT ·faultHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·faultHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·kickHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·kickHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func callOrder() (inOrder bool)
//
// Whether the linker kept the two parts of a host call in order.
TEXT ·callOrder(SB), NOSPLIT, $0-1
	LEAQ ·interruptible(SB), AX
	LEAQ ·interruptibleCall(SB), BX
	CMPQ AX, BX
	SETCS ret+0(FP)
	RET
