//go:build amd64

package host

import "fmt"

var (
	procAddVectoredExceptionHandler = kernel32.NewProc("AddVectoredExceptionHandler")
	procAddVectoredContinueHandler  = kernel32.NewProc("AddVectoredContinueHandler")
)

// installHandlers puts our handlers before Go's. Go's continue handler ends the program
// for every exception that is not Go's, so ours must end that search, too.
func installHandlers() error {
	if !accessOrder() {
		panic("host: the linker has reordered the guarded access routines")
	}
	if r, _, err := procAddVectoredExceptionHandler.Call(1, exceptionHandlerPC()); r == 0 {
		return fmt.Errorf("cannot install the exception handler: %w", err)
	}
	if r, _, err := procAddVectoredContinueHandler.Call(1, continueHandlerPC()); r == 0 {
		return fmt.Errorf("cannot install the continue handler: %w", err)
	}
	return nil
}

// Codes of exceptions (winnt.h).
const (
	codeGuardPage      = 0x80000001
	codeMisaligned     = 0x80000002
	codeBreakpoint     = 0x80000003
	codeSingleStep     = 0x80000004
	codeAccess         = 0xc0000005
	codeInPage         = 0xc0000006
	codeIllegal        = 0xc000001d
	codeFloatFirst     = 0xc000008c // array bounds; the ones of arithmetic follow
	codeFloatLast      = 0xc0000093
	codeDivide         = 0xc0000094
	codeOverflow       = 0xc0000095
	codePrivileged     = 0xc0000096
	codeStackOverflow  = 0xc00000fd
	codeFloatFaults    = 0xc00002b4
	codeFloatTraps     = 0xc00002b5
	accessRead         = 0
	accessWrite        = 1
	accessExecute      = 8
	pfWrite            = 1 << 1
	pfFetch            = 1 << 4
	vectorDivide       = 0
	vectorDebug        = 1
	vectorBreakpoint   = 3
	vectorInvalid      = 6
	vectorProtection   = 13
	vectorPage         = 14
	vectorX87          = 16
	vectorAlignment    = 17
	sigill             = 4
	sigtrap            = 5
	sigbus             = 7
	sigfpe             = 8
	sigsegv            = 11
	unknownAddress     = ^uint64(0)
	exceptionNoAddress = 0
)

// noted is serve after what the exception handler has noted, an exception's code and parameters,
// is turned into the signal, vector and error code that the Block promises.
func (t *Thread) noted(serve func() uint64) func() uint64 {
	return func() uint64 {
		if b := t.block; b.Exit == ExitFault {
			b.translateException(b.FaultCode, b.FaultError)
		}
		return serve()
	}
}

func (b *Block) translateException(code uint32, access uint64) {
	set := func(signal uint32, vector uint64) {
		b.FaultSignal, b.FaultTrap, b.FaultError = signal, vector, 0
	}
	switch {
	case (code == codeAccess && (access != accessRead || b.FaultAddr != unknownAddress)) ||
		code == codeInPage || code == codeGuardPage || code == codeStackOverflow:
		set(sigsegv, vectorPage)
		if code == codeInPage {
			b.FaultSignal = sigbus
		}
		switch access {
		case accessWrite:
			b.FaultError = pfWrite
		case accessExecute:
			b.FaultError = pfFetch
		}
		return
	case code == codeAccess, code == codePrivileged: // Windows tells no address of a #GP
		set(sigsegv, vectorProtection)
	case code == codeIllegal:
		set(sigill, vectorInvalid)
	case code == codeBreakpoint:
		set(sigtrap, vectorBreakpoint)
	case code == codeSingleStep:
		set(sigtrap, vectorDebug)
	case code == codeMisaligned:
		set(sigbus, vectorAlignment)
	case code == codeDivide, code == codeOverflow:
		set(sigfpe, vectorDivide)
	case code >= codeFloatFirst && code <= codeFloatLast, code == codeFloatFaults, code == codeFloatTraps:
		set(sigfpe, vectorX87)
	default:
		set(sigsegv, vectorProtection)
	}
	b.FaultAddr = exceptionNoAddress
}
