package calltest

import "cabitrans/runtime/abi"

// What guests/prog/callscript.h says, too.
const (
	opCall   = 1
	opPoke   = 2
	opCmp    = 3
	opStore  = 4
	opLoad   = 5
	opSet    = 6
	opCheck  = 7
	opSpin   = 8
	opThread = 9
	opWait   = 10
	opJump   = 11
	opForget = 12

	callRaw    = 1
	callNarrow = 2 // shifted by the number of the result

	regZero  = 0
	regVDSO  = 1
	regImage = 2
	regTid   = 3
	regStack = 4
	regExit  = 5
	regTids  = 8
	regVars  = 16
	regIs    = 62 // and 63: results that are compared at once

	maxThreads = 8
	numVars    = 32
	regOwn     = regVars + numVars
	numOwn     = regIs - regOwn

	scratch     = 0x1000_0000
	scratchSize = 0x1_0000
	dataStart   = scratch + scratchSize/2 // where arguments are placed
	firstFD     = 256
	maxGrants   = 200 // in one start of the program

	recordSize  = 48
	recordBegin = 1
	recordFail  = 2
	recordDone  = 3
	exitFail    = 3

	whatErrno    = 0
	whatRax      = 1
	whatOverrun  = 2
	whatPatience = 3
)

// Addresses of a test's memory, all but Mem one page each.
const (
	Unmapped = scratch + scratchSize // follows the scratch memory, which ends there
	ReadOnly = scratch + 0x1_1000
	NoAccess = scratch + 0x1_2000
	ExecOnly = scratch + 0x1_3000
	Free     = scratch + 0x1_4000 // nothing is mapped from here to FreeEnd
	FreeEnd  = scratch + 0x4_0000
)

// Mem is the address of a byte of the scratch memory, below 0x8000.
func Mem(off uint64) uint64 {
	if off >= dataStart-scratch {
		panic("calltest: this part of the scratch memory belongs to arguments")
	}
	return scratch + off
}

// FD is the number of a test's descriptor: first those of its grants, then those
// it creates.
func FD(i int) abi.FD { return abi.FD(firstFD + i) }

// BadFD is never open.
const BadFD abi.FD = 60000

// An Operand is a number that may be known only when the guest runs.
type Operand struct {
	reg uint8
	off uint64
}

// Plus adds to an operand.
func (o Operand) Plus(n uint64) Operand { return Operand{o.reg, o.off + n} }

// Var is the value of a variable, 0 to 31, which all threads share; Own that of
// one, 0 to 13, that every thread has of its own.
func Var(k int) Operand { return Operand{variable(k), 0} }
func Own(k int) Operand { return Operand{variable(numVars + k), 0} }

// variable is the register of a variable by its number in To, Load and Set: those
// from OwnVar on are the thread's own.
func variable(k int) uint8 {
	if uint(k) >= numVars+numOwn {
		panic("calltest: there is no such variable")
	}
	return uint8(regVars + k)
}

// OwnVar is added to the number of one of the thread's own variables where a
// variable is to be set.
const OwnVar = numVars

// Tid is the identifier of the thread that makes the step; TidOf that of thread
// k, once it has been started.
func Tid() Operand        { return Operand{regTid, 0} }
func TidOf(k int) Operand { return Operand{uint8(regTids + k), 0} }

// VDSO, Image and Stack are addresses in the vDSO, the program, and the stack of
// the thread that makes the step.
func VDSO(off uint64) Operand  { return Operand{regVDSO, off} }
func Image(off uint64) Operand { return Operand{regImage, off} }
func Stack(off uint64) Operand { return Operand{regStack, off} }

// Exiting is where a thread can begin that is to leave at once: the vDSO's
// thread_exit.
func Exiting() Operand { return Operand{regExit, 0} }

// A script is the body of one test while it is being encoded.
type script struct {
	words []uint64
	raw   bool   // all calls are raw
	marks []mark // in order of their places
	data  uint64 // next free byte of scratch memory for arguments
	vdso  bool   // a call was made through the vDSO
}

// A mark says which step begins at a word.
type mark struct {
	at   int
	step Step
}

func (s *script) emit(w ...uint64) { s.words = append(s.words, w...) }

func (s *script) operand(o Operand) { s.emit(uint64(o.reg), o.off) }

func (s *script) bytes(b []byte) {
	for len(b) > 0 {
		var w uint64
		for i := 0; i < 8 && i < len(b); i++ {
			w |= uint64(b[i]) << (8 * i)
		}
		s.emit(w)
		b = b[min(8, len(b)):]
	}
}

func (s *script) steps(list []Step) {
	for _, st := range list {
		s.marks = append(s.marks, mark{len(s.words), st})
		st.encode(s)
	}
}

// at finds the step that a word belongs to.
func (s *script) at(word int) Step {
	var found Step
	for _, m := range s.marks {
		if m.at <= word {
			found = m.step
		}
	}
	return found
}

// alloc makes room in scratch memory for an argument and fills it.
func (s *script) alloc(b []byte) uint64 {
	const align = 16
	at := s.data
	s.data += (uint64(len(b)) + align - 1) &^ (align - 1)
	if s.data > scratch+scratchSize {
		panic("calltest: the arguments of a test do not fit into scratch memory")
	}
	s.poke(Operand{off: at}, b)
	return at
}

func (s *script) poke(at Operand, b []byte) {
	if len(b) == 0 {
		return
	}
	s.emit(opPoke, uint64(len(b)))
	s.operand(at)
	s.bytes(b)
}
