package runtime

import (
	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
)

// A Fault is an instruction of the guest that ended the process.
type Fault struct {
	Signal  abi.Signal
	Thread  uint32 // identifier of the guest thread
	Program string

	RIP   Location
	Regs  [16]uint64 // rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15
	Flags uint64

	// Access says what the instruction did to memory; empty when it did not fault
	// on an access. Addr is then the address and Where what lies there.
	Access Access
	Addr   uint64
	Where  string

	Instruction string     // in text; empty when it could not be read
	Backtrace   []Location // return addresses, innermost first, as far as frame pointers lead
	Note        string     // what the translator could not do, if that was the reason
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
	Symbol string // function, when known
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
		Signal: guestSignal(f.Signal), Program: p.name,
		RIP: p.locate(f.RIP), Regs: f.Regs, Flags: f.Flags, Note: f.Note,
	}
	if f.HasAddr {
		r.Addr, r.Where = f.Addr, p.mem.Describe(f.Addr)
		switch {
		case f.Fetch:
			r.Access = AccessExecute
		case f.Write:
			r.Access = AccessWrite
		default:
			r.Access = AccessRead
		}
	}
	if r.Access != AccessExecute {
		r.Instruction = p.instruction(f.RIP)
	}
	r.Backtrace = p.backtrace(f)
	return r
}

func (p *Process) locate(addr uint64) Location {
	l := Location{Addr: addr}
	if addr >= p.plan.Lo && addr < p.plan.Hi {
		l.Offset, l.Inside = addr-p.plan.Base, true
		l.Symbol, l.Past, _ = p.syms().Lookup(l.Offset)
	}
	return l
}

// instruction is the text of the instruction at pc.
func (p *Process) instruction(pc uint64) string {
	var buf [decode.MaxLen]byte
	p.mem.RLock()
	n, _ := p.mem.Fetch(pc, buf[:])
	p.mem.RUnlock()
	if n == 0 {
		return ""
	}
	return decode.Text(buf[:n], pc, func(addr uint64) (string, uint64) {
		l := p.locate(addr)
		if l.Symbol == "" {
			return "", 0
		}
		return l.Symbol, addr - l.Past
	})
}

const maxFrames = 32

// backtrace follows the chain of frame pointers. Code without them gives a short
// or a wrong one; every step up the stack makes sure that it ends.
func (p *Process) backtrace(f *engine.Fault) (out []Location) {
	rsp, rbp := f.Regs[decode.RSP], f.Regs[decode.RBP]
	if f.Fetch {
		// A wild call has left its return address on top of the stack.
		if ret, err := p.mem.Load64(rsp); err == nil && p.isCode(ret) {
			out = append(out, p.locate(ret))
		}
	}
	for low := rsp; len(out) < maxFrames && rbp >= low && rbp%8 == 0; {
		next, err1 := p.mem.Load64(rbp)
		ret, err2 := p.mem.Load64(rbp + 8)
		if err1 != nil || err2 != nil || !p.isCode(ret) {
			break
		}
		out = append(out, p.locate(ret))
		rbp, low = next, rbp+16
	}
	return out
}

// isCode reports whether guest code can be fetched at addr.
func (p *Process) isCode(addr uint64) bool {
	var b [1]byte
	p.mem.RLock()
	defer p.mem.RUnlock()
	n, _ := p.mem.Fetch(addr, b[:])
	return n == 1
}
