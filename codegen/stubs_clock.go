package codegen

import (
	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
)

// A Clock is what the stub needs that reads the clock for the guest without Go.
type Clock struct {
	// Func is the host address of a C function like clock_gettime of Linux's vDSO, which needs
	// no %fs; 0 for none. Windows has two in its place, whose addresses these are:
	// QueryPerformanceCounter, each count of which is CounterNS nanoseconds, and
	// GetSystemTimePreciseAsFileTime.
	Func                uint64
	Counter, SystemTime uint64
	CounterNS           int64

	// ClockSP is a field: the stack to call them on, aligned to 16 and with 64 bytes that are
	// free above, or 0 where the thread's calls must go to Go.
	ClockSP int32
	Clocks  int32 // the field that counts the calls, 8 bytes

	// Pages are the words, of 4 bytes each, that describe the guest's memory by page from address 0
	// on. A store is tried only where a word has Write of the bits in Mask.
	Pages, PageCount uint64
	Mask, Write      uint32

	Return uint64 // a word, below 2^31: the host address at which a vDSO call returns to the guest
}

func (c *Clock) exists() bool { return c.Func != 0 || c.Counter != 0 }

// A ClockStub has the host addresses of the stub's parts.
type ClockStub struct {
	Entry  uint64 // in place of ExitCall; 0 for none
	Store  uint64 // the instruction that stores the result: if it faults, Redo answers
	Lo, Hi uint64 // in the guest again, with the result stored: a kick leads to Redo
	Redo   uint64 // makes it an ordinary call of the ordinary state
}

// The clocks that it reads, as CloudABI's clockid, and as Linux's: bit 1 tells the one from
// the other.
const (
	clockMonotonic = 1 // Linux: 1
	clockRealtime  = 3 // Linux: 0

	second   = 1_000_000_000 // nanoseconds
	pageBits = 12

	// What Windows' functions store, an int64, lies behind the callee's home for four
	// arguments. The system's time is in steps of 100 ns since 1601.
	windowsResult = 32
	fileTimeNS    = 100
	fileTime1970  = 116_444_736_000_000_000
)

// clock is the exit of the call clock_time_get. The thread is outside of the guest (State)
// while it reads the clock, but Go is not told: it goes on taking the thread for one in a
// system call. So here may be neither memory that Go's collector moves or follows, nor a
// lock, nor a wait; and the way back looks for a kick as that of an enter stub does.
// Whatever is out of the ordinary, a kick included, makes it an ordinary call, which finds
// the registers as the guest had them: to read the clock again does no harm.
func (s *stub) clock(exitCall uint64, c *ClockStub) {
	k := &s.l.Clock
	s.find(x86.REG_R10)
	var slow []*obj.Prog
	unless := func(as obj.As) { slow = append(slow, s.jump(as)) }

	s.op2(x86.ACMPQ, s.field(k.ClockSP), imm(0))
	unless(x86.AJEQ)
	s.op2(x86.ALEAL, obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_DI, Offset: -clockMonotonic}, reg(x86.REG_AX))
	s.op2(x86.ATESTL, imm(^(clockRealtime - clockMonotonic)), reg(x86.REG_AX))
	unless(x86.AJNE)
	s.op2(x86.ATESTL, imm(7), reg(x86.REG_DX))
	unless(x86.AJNE)
	s.op2(x86.AMOVQ, reg(x86.REG_DX), reg(x86.REG_AX))
	s.op2(x86.ASHRQ, imm(pageBits), reg(x86.REG_AX))
	s.op2(x86.ACMPQ, reg(x86.REG_AX), imm(int64(k.PageCount)))
	unless(x86.AJCC)
	s.op2(x86.AMOVQ, imm(int64(k.Pages)), reg(x86.REG_R11))
	s.op2(x86.AMOVL, obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_R11, Index: x86.REG_AX, Scale: 4}, reg(x86.REG_AX))
	s.op2(x86.AANDL, imm(int64(k.Mask)), reg(x86.REG_AX))
	s.op2(x86.ACMPL, reg(x86.REG_AX), imm(int64(k.Write)))
	unless(x86.AJNE)

	for _, i := range clockKept {
		s.op2(x86.AMOVQ, reg(generalRegs[i]), s.register(i))
	}
	s.op2(x86.AMOVQ, s.field(k.ClockSP), reg(x86.REG_SP))
	s.op2(x86.AMOVL, imm(s.l.StateHost), s.field(s.l.State))
	s.op2(x86.AADDQ, imm(1), s.field(k.Clocks))
	s.op(x86.ACLD)
	var redo []*obj.Prog
	if k.Func != 0 {
		redo = s.clockGettime()
	} else {
		redo = s.windowsClock()
	}
	redo = append(redo, s.jump(x86.AJMI)) // before 1970
	s.op2(x86.AMOVQ, s.register(rdx), reg(x86.REG_DX))
	store := s.op2(x86.AMOVQ, reg(x86.REG_AX), obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_DX})
	s.op2(x86.AMOVL, imm(s.l.StateGuest), s.field(s.l.State))
	lo := s.op2(x86.ACMPL, s.field(s.l.Kick), imm(0))
	redo = append(redo, s.jump(x86.AJNE))
	s.op2(x86.AMOVQ, s.register(rsp), reg(x86.REG_SP))
	s.op2(x86.AXORL, reg(x86.REG_AX), reg(x86.REG_AX))
	s.clearScratch()
	s.op1(obj.AJMP, obj.Addr{Type: obj.TYPE_MEM, Offset: int64(k.Return)})

	s.block = 0
	again := s.op(obj.ANOP)
	s.find(x86.REG_R10)
	s.op2(x86.ASUBQ, imm(1), s.field(k.Clocks))
	for _, i := range clockKept {
		s.op2(x86.AMOVQ, s.register(i), reg(generalRegs[i]))
	}
	ordinary := s.op2(x86.AMOVQ, imm(int64(exitCall)), reg(x86.REG_AX))
	s.op1(obj.AJMP, reg(x86.REG_AX))
	for _, p := range slow {
		bind(p, ordinary)
	}
	for _, p := range redo {
		bind(p, again)
	}
	s.placed = func(at uint64) {
		c.Entry, c.Store = at, at+uint64(store.Pc)
		c.Lo, c.Hi, c.Redo = at+uint64(lo.Pc), at+uint64(again.Pc), at+uint64(again.Pc)
	}
}

// clockKept are the registers, by encoding, that the C function may change and an ordinary
// call needs: rsp and the arguments.
var clockKept = [...]int32{rsp, 7, 6, rdx}

// onStack is an operand by its distance from rsp.
func onStack(off int64) obj.Addr { return obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_SP, Offset: off} }

// clockGettime leaves the time of the clock in edi in rax, and the flags of it. It returns the jumps that are
// taken if that cannot be told.
func (s *stub) clockGettime() (failed []*obj.Prog) {
	s.op2(x86.ASHRL, imm(1), reg(x86.REG_DI))
	s.op2(x86.AXORL, imm(1), reg(x86.REG_DI))
	s.op2(x86.AMOVQ, reg(x86.REG_SP), reg(x86.REG_SI))
	s.op2(x86.AMOVQ, imm(int64(s.l.Clock.Func)), reg(x86.REG_AX))
	s.op1(obj.ACALL, reg(x86.REG_AX))
	s.find(x86.REG_R10)
	s.op2(x86.ATESTL, reg(x86.REG_AX), reg(x86.REG_AX))
	failed = append(failed, s.jump(x86.AJNE))
	s.op2(x86.AMOVQ, onStack(0), reg(x86.REG_AX))
	s.op2(x86.AIMULQ, imm(second), reg(x86.REG_AX))
	s.op2(x86.AADDQ, onStack(8), reg(x86.REG_AX))
	return failed
}

// windowsClock is clockGettime by Windows' C convention, which keeps what the guest's does but for
// vector registers, of which the guest's keeps none.
func (s *stub) windowsClock() (failed []*obj.Prog) {
	k := &s.l.Clock
	s.op2(x86.ALEAQ, onStack(windowsResult), reg(x86.REG_CX))
	s.op2(x86.ACMPL, reg(x86.REG_DI), imm(clockMonotonic))
	realtime := s.jump(x86.AJNE)
	s.op2(x86.AMOVQ, imm(int64(k.Counter)), reg(x86.REG_AX))
	s.op1(obj.ACALL, reg(x86.REG_AX))
	s.find(x86.REG_R10)
	s.op2(x86.ATESTL, reg(x86.REG_AX), reg(x86.REG_AX))
	failed = append(failed, s.jump(x86.AJEQ))
	s.op2(x86.AMOVQ, onStack(windowsResult), reg(x86.REG_AX))
	s.op2(x86.AIMULQ, imm(k.CounterNS), reg(x86.REG_AX))
	told := s.jump(obj.AJMP)

	s.block = 0
	bind(realtime, s.op2(x86.AMOVQ, imm(int64(k.SystemTime)), reg(x86.REG_AX)))
	s.op1(obj.ACALL, reg(x86.REG_AX))
	s.find(x86.REG_R10)
	s.op2(x86.AMOVQ, onStack(windowsResult), reg(x86.REG_AX))
	s.op2(x86.AMOVQ, imm(-fileTime1970), reg(x86.REG_CX))
	s.op2(x86.AADDQ, reg(x86.REG_CX), reg(x86.REG_AX))
	s.op2(x86.AIMULQ, imm(fileTimeNS), reg(x86.REG_AX))
	bind(told, s.op2(x86.ATESTQ, reg(x86.REG_AX), reg(x86.REG_AX)))
	return failed
}
