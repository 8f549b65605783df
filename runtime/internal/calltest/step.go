package calltest

import (
	"fmt"

	"cabitrans/runtime/abi"
)

// A Step is one thing the guest does. Its String is what failures show.
type Step interface {
	fmt.Stringer
	encode(*script)
}

// A Rel compares two numbers, which have no sign.
type Rel uint8

// Relations of a with b.
const (
	Equal    Rel = iota
	NotEqual     // a ≠ b
	Below        // a < b
	AtMost       // a ≤ b
	AllBits      // a has every bit of b
	NoBits       // a has no bit of b
)

func (r Rel) String() string {
	return [...]string{"==", "!=", "<", "<=", "has all of", "has none of"}[r]
}

// A step is a Step made of a function.
type step struct {
	text string
	do   func(*script)
}

func (st step) String() string   { return st.text }
func (st step) encode(s *script) { st.do(s) }

// Poke stores bytes, a string or an ABI structure at an address.
func Poke(at any, data any) Step {
	b := encoded(data)
	return step{fmt.Sprintf("poke %d bytes at %v", len(b), operand(at)), func(s *script) { s.poke(operand(at), b) }}
}

// Store stores a number of 1, 2, 4 or 8 bytes, atomically.
func Store(at any, size uint8, v any) Step {
	return step{fmt.Sprintf("store %v at %v", operand(v), operand(at)), func(s *script) {
		s.emit(opStore | uint64(size)<<8)
		s.operand(operand(at))
		s.operand(operand(v))
	}}
}

// Load loads a number of 1, 2, 4 or 8 bytes into a variable.
func Load(k int, at any, size uint8) Step {
	return step{fmt.Sprintf("load %v from %v", Operand{reg: variable(k)}, operand(at)), func(s *script) {
		s.emit(opLoad | uint64(size)<<8 | uint64(variable(k))<<16)
		s.operand(operand(at))
	}}
}

// Holds expects bytes, a string or an ABI structure at an address.
func Holds(at any, data any) Step {
	b := encoded(data)
	return step{fmt.Sprintf("memory at %v holds %q", operand(at), b), func(s *script) {
		s.emit(opCmp, uint64(len(b)))
		s.operand(operand(at))
		s.bytes(b)
	}}
}

// Group makes one step of several.
func Group(steps ...Step) Step {
	return step{"group", func(s *script) { s.steps(steps) }}
}

// Set sets a variable.
func Set(k int, v any) Step {
	return step{fmt.Sprintf("%v = %v", Operand{reg: variable(k)}, operand(v)), func(s *script) {
		s.emit(opSet | uint64(variable(k))<<8)
		s.operand(operand(v))
	}}
}

// Check expects a relation to hold.
func Check(a any, r Rel, b any) Step {
	return step{fmt.Sprintf("%v %v %v", operand(a), r, operand(b)), func(s *script) { s.check(operand(a), r, operand(b)) }}
}

func (s *script) check(a Operand, r Rel, b Operand) {
	s.emit(opCheck | uint64(r)<<8)
	s.operand(a)
	s.operand(b)
}

// Until waits, yielding the processor, until the number in memory has the relation
// to v. It fails after 20 seconds.
func Until(at any, size uint8, r Rel, v any) Step {
	return step{fmt.Sprintf("until memory at %v %v %v", operand(at), r, operand(v)), func(s *script) {
		s.emit(opSpin | uint64(r)<<8 | uint64(size)<<16)
		s.operand(operand(at))
		s.operand(operand(v))
	}}
}

// Thread starts thread k, 0 to 7, which makes the given steps.
func Thread(k int, steps ...Step) Step {
	if uint(k) >= maxThreads {
		panic("calltest: there are only 8 threads")
	}
	return step{fmt.Sprintf("start thread %d", k), func(s *script) {
		s.emit(opThread|uint64(k)<<8, 0)
		begin := len(s.words)
		s.steps(steps)
		s.words[begin-1] = uint64(len(s.words) - begin)
	}}
}

// Wait waits for thread k to end. Those that are left at the end of a test are
// waited for, too.
func Wait(k int) Step {
	return step{fmt.Sprintf("wait for thread %d", k), func(s *script) { s.emit(opWait | uint64(k)<<8) }}
}

// Forget says that nobody will wait for thread k: it leaves by a call of its own.
// Its stack stays.
func Forget(k int) Step {
	return step{fmt.Sprintf("forget thread %d", k), func(s *script) { s.emit(opForget | uint64(k)<<8) }}
}

// If makes the steps only if the relation holds.
func If(a any, r Rel, b any, steps ...Step) Step {
	return step{fmt.Sprintf("if %v %v %v", operand(a), r, operand(b)), func(s *script) {
		skip := s.jump(operand(a), r, operand(b))
		over := s.jump(Operand{}, Equal, Operand{})
		s.words[skip] = uint64(len(s.words))
		s.steps(steps)
		s.words[over] = uint64(len(s.words))
	}}
}

// Repeat makes the steps n times, counting down in a variable.
func Repeat(k int, n uint64, steps ...Step) Step {
	return step{fmt.Sprintf("repeat %d times", n), func(s *script) {
		Set(k, n).encode(s)
		begin := len(s.words)
		s.steps(steps)
		Set(k, Var(k).Plus(^uint64(0))).encode(s)
		s.words[s.jump(Var(k), NotEqual, Operand{})] = uint64(begin)
	}}
}

// While makes the steps over and over, at least once, as long as the relation
// holds after them.
func While(a any, r Rel, b any, steps ...Step) Step {
	return step{fmt.Sprintf("while %v %v %v", operand(a), r, operand(b)), func(s *script) {
		begin := len(s.words)
		s.steps(steps)
		s.words[s.jump(operand(a), r, operand(b))] = uint64(begin)
	}}
}

// jump returns which word is to hold its target.
func (s *script) jump(a Operand, r Rel, b Operand) int {
	s.emit(opJump|uint64(r)<<8, 0)
	target := len(s.words) - 1
	s.operand(a)
	s.operand(b)
	return target
}

// A CallStep is a system call; its methods say what it must answer.
type CallStep struct {
	call     abi.Call
	number   uint64
	args     []any
	results  bool // args end with result pointers
	form     form
	allowed  [2]uint64
	to       []int
	is       []any
	errnoVar int
}

type form uint8

const (
	formEither form = iota
	formVDSO
	formRaw
)

// Call makes a system call, which must succeed.
func Call(c abi.Call, args ...any) *CallStep {
	return &CallStep{call: c, number: uint64(c.Info().Num2016), args: args, allowed: [2]uint64{1, 0}, errnoVar: -1}
}

// CallNumber makes a raw system call with any number, which must fail with ENOSYS
// unless Err says something else.
func CallNumber(n uint64, args ...any) *CallStep {
	c := &CallStep{call: abi.NumCalls, number: n, args: args, form: formRaw, errnoVar: -1}
	return c.Err(abi.ENOSYS)
}

// Err says that the call must fail, with one of the given errnos. 0 is success.
func (c *CallStep) Err(list ...abi.Errno) *CallStep {
	c.allowed = [2]uint64{}
	for _, e := range list {
		c.allowed[e/64] |= 1 << (e % 64)
	}
	return c
}

// Any says that it does not matter how the call ends.
func (c *CallStep) Any() *CallStep {
	c.allowed = [2]uint64{^uint64(0), ^uint64(0)}
	return c
}

// To keeps the results in variables.
func (c *CallStep) To(vars ...int) *CallStep {
	c.to = vars
	return c
}

// Is says what the results must be.
func (c *CallStep) Is(results ...any) *CallStep {
	c.is = results
	return c
}

// Errno keeps the errno in a variable.
func (c *CallStep) Errno(k int) *CallStep {
	c.errnoVar = k
	return c
}

// Raw and VDSO make the call in that form only; a test that runs the other way
// round skips it.
func (c *CallStep) Raw() *CallStep {
	c.form = formRaw
	return c
}

// VDSO is like Raw. Its arguments are followed by the pointers for results.
func (c *CallStep) VDSO() *CallStep {
	c.form, c.results = formVDSO, true
	return c
}
