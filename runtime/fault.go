package runtime

import (
	"fmt"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/ehframe"
	"cabitrans/runtime/engine"
)

// A Fault is an instruction of the guest that ended the process. Registers are
// those before the instruction.
type Fault struct {
	Signal  abi.Signal
	Thread  uint32 // identifier of the guest thread
	Program string

	RIP   Location   // of the instruction; for a breakpoint of the next one
	Regs  [16]uint64 // rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15
	Flags uint64

	// Access says what the instruction did to memory; empty when it did not fault
	// on an access. Addr is then the address and Where what lies there. Cause says
	// what else it was.
	Access Access
	Addr   uint64
	Where  string
	Cause  string

	Instruction string     // in text; empty when it could not be read
	Code        []byte     // its bytes; those that could be read if it is no valid one
	Backtrace   []Location // return addresses, innermost first, as far as they are known
	By          string     // what they are known by: unwind tables, frame pointers, or both
	Note        string     // what else a reader should know
}

// Access is a kind of memory access.
type Access string

// The accesses that fault.
const (
	AccessNone    Access = ""
	AccessRead    Access = "read"
	AccessWrite   Access = "write"
	AccessExecute Access = "execution"
)

// A Location is a guest address, and what the program calls it.
type Location struct {
	Addr   uint64
	Offset uint64 // from the image's base, that is: link-time address
	Inside bool   // the address lies in the image; Offset counts
	Where  string // else, what lies there
	Symbol string // function or object, when known; of a return address that of the call
	Past   uint64 // bytes behind the symbol
}

// faulted records the first fault and ends the process.
func (p *Process) faulted(f *engine.Fault, tid abi.Tid) {
	r := p.describe(f)
	r.Thread = uint32(tid)
	p.mu.Lock()
	if p.fault == nil && !p.kernel.Exiting() {
		p.fault = r
	}
	p.mu.Unlock()
	p.kernel.Kill(r.Signal)
}

func (p *Process) describe(f *engine.Fault) *Fault {
	r := &Fault{
		Signal: guestSignal(f.Signal), Program: p.program.name,
		RIP: p.locate(f.RIP), Regs: f.Regs, Flags: f.Flags &^ resumeFlag, Note: f.Note,
	}
	in := p.readInstruction(f, r)
	if f.HasAddr {
		r.Addr, r.Where = f.Addr, p.where(f.Addr)
		switch {
		case f.Fetch:
			r.Access = AccessExecute
		case f.Write:
			r.Access = AccessWrite
		default:
			r.Access = AccessRead
		}
		if r.Note == "" && !f.Fetch && p.stackLost(f) {
			r.Note = "there is no memory to write below rsp: the stack is used up, or rsp was overwritten"
		}
	} else {
		r.Cause = p.cause(f, r.Signal, in)
	}
	r.Backtrace, r.By = p.backtrace(f)
	return r
}

// resumeFlag is RF, which the host's CPU sets in the flags that it saves for a
// fault. The guest never had it set.
const resumeFlag = 1 << 16

// where is what lies at addr, by the finest name there is.
func (p *Process) where(addr uint64) string {
	where := p.mem.Describe(addr)
	if l := p.locate(addr); l.Symbol != "" {
		return fmt.Sprintf("%s+%#x of %s", l.Symbol, l.Past, where)
	}
	return where
}

// stackLost reports whether the fault is one of using the stack where there is
// none. Frames of a program that checks nothing may be as large as stackReach
// bytes.
func (p *Process) stackLost(f *engine.Fault) bool {
	const stackReach = 64 << 10
	rsp := f.Regs[decode.RSP]
	return f.Addr-(rsp-stackReach) < 2*stackReach && p.mem.Check(rsp-8, 8, true) != nil
}

func (p *Process) locate(addr uint64) Location {
	l := Location{Addr: addr}
	if addr < p.plan.Lo || addr >= p.plan.Hi {
		l.Where = p.mem.Describe(addr)
		return l
	}
	l.Offset, l.Inside = addr-p.plan.Base, true
	l.Symbol, l.Past, _ = p.syms().Lookup(l.Offset)
	return l
}

// locateReturn is locate for a return address. The call before it may be the last
// instruction of its function, when that never returns.
func (p *Process) locateReturn(addr uint64) Location {
	l := p.locate(addr - 1)
	l.Addr++
	if l.Inside {
		l.Offset++
	}
	if l.Symbol != "" {
		l.Past++
	}
	return l
}

// readInstruction puts the instruction that has faulted into r, and returns it
// decoded; nil when there is no valid one.
func (p *Process) readInstruction(f *engine.Fault, r *Fault) *decode.Inst {
	pc := f.RIP
	if r.Signal == abi.SIGTRAP {
		pc-- // int3 and int1 are one byte long
	}
	var buf [decode.MaxLen]byte
	p.mem.RLock()
	n, _ := p.mem.Fetch(pc, buf[:])
	p.mem.RUnlock()
	if n == 0 {
		return nil
	}
	in := new(decode.Inst)
	if in.Decode(buf[:n], pc) != nil {
		r.Instruction, r.Code = "(no instruction)", buf[:n]
		return nil
	}
	r.Code = buf[:in.Len]
	r.Instruction = in.Text(r.Code, func(addr uint64) (string, uint64) {
		l := p.locate(addr)
		if l.Symbol == "" {
			return "", 0
		}
		return l.Symbol, addr - l.Past
	})
	return in
}

// maxFrames bounds a backtrace. Reports leave most of a long one out.
const maxFrames = 1 << 16

// walker finds callers in the program that runs.
func (p *Process) walker() ehframe.Walker {
	return ehframe.Walker{Memory: p.mem, Table: p.program.unwind(), Bias: p.plan.Base}
}

// backtrace finds the callers, and says how.
func (p *Process) backtrace(f *engine.Fault) (out []Location, how string) {
	r := ehframe.Regs{R: f.Regs, PC: f.RIP}
	exact := f.Signal != engine.SigTRAP
	if f.Fetch {
		// A wild call has left its return address on top of the stack.
		if ret, err := p.mem.Load64(r.R[decode.RSP]); err == nil && p.mem.Executable(ret) {
			out = append(out, p.locateReturn(ret))
			r.PC, r.R[decode.RSP], exact = ret, r.R[decode.RSP]+8, false
		}
	}
	w := p.walker()
	frames, by := w.Walk(make([]uint64, 0, maxFrames), &r, exact)
	for _, ret := range frames {
		out = append(out, p.locateReturn(ret))
	}
	if by == 0 {
		by = ehframe.ByFramePointers
	}
	return out, by.String()
}
